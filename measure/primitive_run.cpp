#include "measure/primitive_run.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "measure/affinity.h"
#include "measure/clock.h"

namespace bench {
namespace {

// What the last repetition of a body has done; Google Benchmark reports that one and no other.
struct Repetition {
  std::uint64_t operations = 0;
  TreeUsage usage;
};

// Takes what Google Benchmark has measured in the place of printing it.
class Reporter : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) wall_ns_ = run.real_accumulated_time * 1e9;
  }
  double wall_ns() const { return wall_ns_; }

 private:
  double wall_ns_ = 0;
};

// Runs `repeat` as the only benchmark of this process. All operations of a repetition are one batch of its loop, so
// that the clock is read before the first and after the last.
template <typename Repeat>
double run_benchmark(Repeat repeat, bool parts, std::int64_t minimum_ns) {
  benchmark::ClearRegisteredBenchmarks();
  benchmark::internal::Benchmark* registered = benchmark::RegisterBenchmark("primitive", repeat);
  registered->Repetitions(1)->MinTime(static_cast<double>(minimum_ns) / 1e9);
  parts ? registered->UseManualTime() : registered->UseRealTime();
  Reporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter, ".");
  return reporter.wall_ns();
}

void keep(double wall_ns, const Repetition& last, PrimitiveMeasurement& measured) {
  if (wall_ns <= 0) throw std::logic_error("the primitive took no time");
  measured.operations = last.operations;
  measured.wall_ns = wall_ns;
  measured.usage = last.usage;
}

}  // namespace

void PrimitiveRun::place(std::uint32_t unit) const {
  const std::vector<int>& cpus = setup_.cpus;
  if (!cpus.empty()) pin_to(std::span(cpus).subspan(unit % cpus.size(), 1));
}

void PrimitiveRun::time(const std::function<std::uint64_t(std::uint64_t count)>& body) {
  Repetition last;
  const auto repeat = [&](benchmark::State& state) {
    const TreeUsage before = own_tree_usage(Edge::begin);
    while (state.KeepRunningBatch(state.max_iterations)) {
      last.operations = body(static_cast<std::uint64_t>(state.max_iterations));
    }
    last.usage = own_tree_usage(Edge::end) - before;
  };
  keep(run_benchmark(repeat, false, setup_.minimum_ns), last, report().primitive);
}

void PrimitiveRun::time_parts(const std::function<std::int64_t(std::uint64_t count)>& body) {
  Repetition last;
  const auto repeat = [&](benchmark::State& state) {
    const TreeUsage before = own_tree_usage(Edge::begin);
    last.operations = static_cast<std::uint64_t>(state.max_iterations);
    while (state.KeepRunningBatch(state.max_iterations)) {
      state.SetIterationTime(static_cast<double>(body(last.operations)) / 1e9);
    }
    last.usage = own_tree_usage(Edge::end) - before;
  };
  keep(run_benchmark(repeat, true, setup_.minimum_ns), last, report().primitive);
}

void PrimitiveRun::weigh(const std::function<void(std::uint32_t count)>& add) {
  PrimitiveMeasurement& measured = report().primitive;
  const std::int64_t kernel_before = kernel_bytes();
  const std::int64_t user_before = tree_proportional_set_bytes(getpid());
  const auto steps = static_cast<std::uint32_t>(measured.memory.size() - 1);
  std::uint32_t units = 0;
  for (std::uint32_t step = 1; step <= steps; ++step) {
    const auto wanted = static_cast<std::uint32_t>(std::uint64_t{tasks()} * step / steps);
    const TreeUsage before = own_tree_usage(Edge::begin);
    const std::int64_t begun_ns = now_ns();
    add(wanted - std::exchange(units, wanted));
    measured.wall_ns += static_cast<double>(now_ns() - begun_ns);
    measured.usage += own_tree_usage(Edge::end) - before;
    measured.memory[step] = {.count = units,
                             .user_bytes = tree_proportional_set_bytes(getpid()) - user_before,
                             .kernel_bytes = kernel_bytes() - kernel_before};
  }
  measured.operations = units;
}

void PrimitiveRun::expect_equal(std::uint64_t found, std::uint64_t expected, std::string_view what) noexcept {
  if (found != expected) fail(fmt::format("wrong count: {} {}, expected {}", found, what, expected));
}

}  // namespace bench
