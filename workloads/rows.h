// The functions behind the rows of the workload table, one namespace for each file.
#pragma once

#include "workloads/workload.h"

namespace bench {

namespace cpu {
Script task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);
}

namespace sum {
Script task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);
std::uint64_t compute(const JobParameters& parameters, std::uint32_t index);
std::optional<std::string> check(const JobParameters& parameters, std::span<const std::uint64_t> outcomes);
double estimate_ns(const JobParameters& parameters);
std::uint64_t checkpoints(const JobParameters& parameters);
}  // namespace sum

namespace io {
Script task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);
std::optional<std::string> check(const JobParameters& parameters, std::span<const std::uint64_t> outcomes);
}  // namespace io

namespace copy {
Script task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);
std::uint64_t compute(const JobParameters& parameters, std::uint32_t index);
std::optional<std::string> check(const JobParameters& parameters, std::span<const std::uint64_t> outcomes);
double estimate_ns(const JobParameters& parameters);
}  // namespace copy

namespace mixed {
Script task(const JobParameters& parameters, std::uint32_t index, std::uint64_t& outcome);
}

/// What `cpu` and `mixed` share: the product (index + 1) · 1·2·…·N.
namespace product {
std::uint64_t compute(const JobParameters& parameters, std::uint32_t index);
std::optional<std::string> check(const JobParameters& parameters, std::span<const std::uint64_t> outcomes);
double estimate_ns(const JobParameters& parameters);
}  // namespace product

}  // namespace bench
