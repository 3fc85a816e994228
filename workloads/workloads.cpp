// The workload table. A new workload is one file and one row here.
#include <fmt/format.h>

#include <array>

#include "workloads/rows.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr std::array workloads{
    Workload{
        .name = "cpu",
        .summary = "computes: the product 1·2·…·N with multi-word arithmetic",
        .default_tasks = 64,
        .default_work = 10000,
        .max_work = 1'000'000,
        .work_meaning = "N, the last factor of each task's product",
        .default_wait = 0ns,
        .task = cpu::task,
        .compute = product::compute,
        .check = product::check,
        .estimate_ns = product::estimate_ns,
        .checkpoints = nullptr,
    },
    Workload{
        .name = "sum",
        .summary = "adds digits with a checkpoint at every step: what a switch costs",
        .default_tasks = 10,
        .default_work = 1'000'000,
        .max_work = 100'000'000,
        .work_meaning = "steps of each task's loop",
        .default_wait = 0ns,
        .task = sum::task,
        .compute = sum::compute,
        .check = sum::check,
        .estimate_ns = sum::estimate_ns,
        .checkpoints = sum::checkpoints,
    },
    Workload{
        .name = "io",
        .summary = "waits: each task lets a time pass, as for a disk or a peer",
        .default_tasks = 100,
        .default_work = 0,
        .max_work = 0,
        .work_meaning = "",
        .default_wait = 10ms,
        .task = io::task,
        .compute = nullptr,
        .check = io::check,
        .estimate_ns = nullptr,
        .checkpoints = nullptr,
    },
    Workload{
        .name = "mixed",
        .summary = "computes, waits, computes: half the product, a wait, the other half",
        .default_tasks = 100,
        .default_work = 3000,
        .max_work = 1'000'000,
        .work_meaning = "N, the last factor of each task's product",
        .default_wait = 5ms,
        .task = mixed::task,
        .compute = product::compute,
        .check = product::check,
        .estimate_ns = product::estimate_ns,
        .checkpoints = nullptr,
    },
    Workload{
        .name = "copy",
        .summary = "reads and writes files: each task writes one, copies it and reads the copy",
        .default_tasks = 16,
        .default_work = 1024,
        .max_work = 1'048'576,
        .work_meaning = "KiB of each task's file",
        .default_wait = 0ns,
        .task = copy::task,
        .compute = copy::compute,
        .check = copy::check,
        .estimate_ns = copy::estimate_ns,
        .checkpoints = nullptr,
    },
};

}  // namespace

std::span<const Workload> all_workloads() { return workloads; }

std::string wrong_outcome(std::size_t index, std::uint64_t outcome, std::uint64_t expected) {
  return fmt::format("wrong outcome: task {} left {}, expected {}", index, outcome, expected);
}

}  // namespace bench
