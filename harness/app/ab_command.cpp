#include "harness/app/ab_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <stdlib.h>  // mkdtemp

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "harness/app/compare_command.h"
#include "harness/app/interrupts.h"
#include "harness/app/run_command.h"
#include "harness/compare/ab.h"
#include "harness/compare/read_result.h"
#include "harness/plan/calibration.h"
#include "harness/run/program.h"
#include "harness/run/relink.h"
#include "harness/session/progress.h"

namespace bench {
namespace {

bool goes_on() { return interrupts() == 0; }

// A folder that is gone with everything in it at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "bench-ab-XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) {
      throw std::system_error(errno, std::generic_category(), fmt::format("make a folder {}", path));
    }
    path_ = path;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(std::string_view name) const { return fmt::format("{}/{}", path_, name); }

 private:
  std::string path_;
};

// The last line that a program said, which is its error.
std::string last_line(std::string said) {
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const std::size_t newline = said.rfind('\n');
  return newline == std::string::npos ? said : said.substr(newline + 1);
}

void must_succeed(const std::vector<std::string>& command, const std::string& folder) {
  const ProgramEnd end = run_to_end(command, folder, goes_on);
  if (end.cancelled || end.status == 0) return;
  throw std::runtime_error(
      fmt::format("{} ended with {}: {}", fmt::join(command, " "), end.status, last_line(end.said)));
}

// A work tree of a revision; gone at the end.
class WorkTree {
 public:
  WorkTree(const std::string& revision, std::string folder) : folder_(std::move(folder)) {
    must_succeed({"git", "worktree", "add", "--detach", folder_, revision}, "");
  }
  WorkTree(const WorkTree&) = delete;
  WorkTree& operator=(const WorkTree&) = delete;
  ~WorkTree() {
    try {
      run_to_end({"git", "worktree", "remove", "--force", folder_}, "", [] { return true; });
    } catch (const std::system_error&) {  // git has gone; its next prune takes care
    }
  }

  // Builds the program there as this one is built, and says where it is.
  std::string build() const {
    must_succeed({folder_ + "/scripts/build", "release", "bench"}, folder_);
    return folder_ + "/build/release/bench";
  }

 private:
  std::string folder_;
};

// What the rounds of both builds have to agree on, and what they need not measure.
void prepare_environment(const Options& options) {
  setenv("BENCH_NO_MEMORY", "1", 1);
  const auto computes = [](const Options& part) {
    return std::ranges::any_of(part.service.service_cpu, [](std::chrono::nanoseconds cpu) { return cpu.count() != 0; });
  };
  if (!computes(options) && std::ranges::none_of(options.further_parts, computes)) return;
  setenv("BENCH_STEP_NS", fmt::format("{}", step_ns()).c_str(), 1);
}

// One round under one of the builds.
class Rounds {
 public:
  // By side and build.
  using Programs = std::array<std::vector<std::string>, 2>;

  Rounds(const Options& options, Programs programs, const ScratchFolder& scratch, std::uint64_t seed)
      : options_(options), programs_(std::move(programs)), out_(scratch.file("round.json")), random_(seed) {}

  std::optional<ReadResult> run(Side side, std::uint32_t build) {
    if (!goes_on()) return std::nullopt;
    const std::string& program = programs_[static_cast<std::size_t>(side)][build];
    std::vector<std::string> command{program};
    command.insert(command.end(), options_.ab.arguments.begin(), options_.ab.arguments.end());
    if (side == Side::candidate && options_.injected_slowdown > 0) {
      command.push_back(fmt::format("--inject=slowdown:{}%", options_.injected_slowdown * 100));
    }
    command.insert(command.end(), {"--repetitions=1", "--quiet", "--force", "--out=" + out_,
                                   fmt::format("--seed={}", random_() >> 1)});
    std::filesystem::remove(out_);
    const ProgramEnd end = run_to_end(command, "", goes_on);
    if (end.cancelled) return std::nullopt;
    // 1 tells of cells that failed, which the file has.
    if ((end.status != 0 && end.status != 1) || !std::filesystem::exists(out_)) {
      throw std::runtime_error(
          fmt::format("{} ended with {}: {}", fmt::join(command, " "), end.status,
                      end.said.empty() ? "it left no result, as if it were no bench" : last_line(end.said)));
    }
    return read_result(out_, side == Side::baseline ? "baseline" : "candidate");
  }

 private:
  const Options& options_;
  Programs programs_;
  std::string out_;
  std::mt19937_64 random_;
};

// Before anything is measured.
void check_program(const std::string& program) {
  const ProgramEnd end = run_to_end({program, "--version"}, "", goes_on);
  if (end.cancelled || end.status == 0) return;
  throw std::runtime_error(fmt::format("{} --version ended with {}: {}", program, end.status, last_line(end.said)));
}

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

// The builds of one side: the program as it is, or so many that are linked anew.
std::vector<std::string> builds_of(const std::string& program, const AbOptions& options, const ScratchFolder& scratch,
                                   std::string_view side, std::uint64_t seed) {
  if (options.builds == 1) return {program};
  std::vector<std::string> builds;
  for (std::uint32_t build = 0; build < options.builds; ++build) {
    builds.push_back(scratch.file(fmt::format("{}-{}", side, build)));
    relink(program, seed + build, builds.back(), goes_on);
  }
  return builds;
}

}  // namespace

Exit ab(const Options& options) {
  AbRules rules{.rules = rules_of(options.ab.verdict),
                .max_time_ns = options.max_time_ns,
                .seed = options.seed.value_or(std::random_device{}())};
  if (options.ab.pairs != 0) {
    rules.max_pairs = rules.min_pairs = options.ab.pairs;
    rules.max_time_ns = std::numeric_limits<std::int64_t>::max();
  }
  count_interrupts();
  Progress progress(options.progress);
  const ScratchFolder scratch;
  std::optional<WorkTree> tree;
  std::string baseline = options.ab.baseline;
  if (baseline.empty()) {
    progress.round_line(fmt::format("building {}", options.ab.baseline_rev));
    tree.emplace(options.ab.baseline_rev, scratch.file("baseline"));
    baseline = tree->build();
  }
  check_program(baseline);
  await_quiet(options, progress);
  rules.builds = options.ab.builds;
  if (rules.builds > 1) progress.round_line(fmt::format("linking {} builds of each side", rules.builds));
  if (interrupts() > 0) return Exit::interrupted;
  prepare_environment(options);
  Rounds rounds(options,
                {builds_of(baseline, options.ab, scratch, "baseline", rules.seed),
                 builds_of(own_program(), options.ab, scratch, "candidate", rules.seed + rules.builds)},
                scratch, rules.seed);
  const AbResult result = run_ab(
      rules, [&](Side side, std::uint32_t build) { return rounds.run(side, build); },
      [&](std::string_view line) { progress.round_line(line); });
  if (options.format == Format::console || options.format == Format::markdown) print(self_test_text(result) + '\n');
  print_comparisons({result.comparison}, options);
  if (result.interrupted) return Exit::interrupted;
  return exit_of({result.comparison}, options.ab.verdict);
}

}  // namespace bench
