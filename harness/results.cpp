#include "harness/results.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cxxopts.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "harness/build_info.h"
#include "harness/summary.h"
#include "models/unique_fd.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;
constexpr int schema_version = 1;

Json caches_json(const Machine& machine) {
  Json caches = Json::array();
  for (const CacheLevel& cache : machine.caches) {
    caches.push_back(
        {{"type", cache.type}, {"level", cache.level}, {"size", cache.bytes}, {"num_sharing", cache.sharing}});
  }
  return caches;
}

Json limits_json(const Machine& machine) {
  Json limits = Json::array();
  for (const std::vector<UnitLimit>* list : {&machine.process_limits, &machine.thread_limits}) {
    for (const UnitLimit& limit : *list) limits.push_back({{"limit", limit.name}, {"room", limit.room}});
  }
  limits.push_back(
      {{"limit", fmt::format("ulimit -n = {}", machine.descriptor_limit)}, {"room", machine.descriptor_limit}});
  return limits;
}

Json probes_json(const Ruler& ruler) {
  return {{"line_trip_ns", ruler.line_trip_ns}, {"spin_ns", ruler.spin_ns}, {"system_call_ns", ruler.system_call_ns}};
}

Json ruler_json(const Plan& plan, const Results& results) {
  std::vector<std::string_view> workloads;
  for (const Group& group : plan.groups) {
    if (std::ranges::find(workloads, group.name()) == workloads.end()) workloads.push_back(group.name());
  }
  Json readings = Json::array();
  for (const RulerReading& reading : results.rulers) {
    Json row{{"workload", workloads[reading.workload]},
             {"round", reading.round},
             {"when", reading.after ? "after" : "before"}};
    row.update(probes_json(reading.ruler));
    readings.push_back(std::move(row));
  }
  return readings;
}

// How far the ruler's readings spread: half the range from the lower to the upper quartile, as a share of the median.
Json noise_json(const Results& results) {
  const auto spread = [&](double Ruler::*probe) {
    std::vector<double> values;
    for (const RulerReading& reading : results.rulers) values.push_back(reading.ruler.*probe);
    std::ranges::sort(values);
    if (values.size() < 4 || values[values.size() / 2] <= 0) return 0.0;
    return (values[values.size() * 3 / 4] - values[values.size() / 4]) / values[values.size() / 2] / 2 * 100;
  };
  return {{"line_trip_spread_percent", spread(&Ruler::line_trip_ns)},
          {"spin_spread_percent", spread(&Ruler::spin_ns)},
          {"system_call_spread_percent", spread(&Ruler::system_call_ns)}};
}

Json machine_json(const Machine& machine) {
  return {{"kernel", machine.kernel},           {"cpu_model", machine.cpu_model},
          {"cpus_available", available_cpus()}, {"memory_bytes", machine.memory_bytes},
          {"governor", machine.governor},       {"turbo", machine.turbo},
          {"hypervisor", machine.hypervisor},   {"clock_source", machine.clock_source},
          {"limits", limits_json(machine)}};
}

Json libraries_json() {
  return {{"glibc", gnu_get_libc_version()},
          {"fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
          {"cxxopts", fmt::format("{}.{}.{}", CXXOPTS__VERSION_MAJOR, CXXOPTS__VERSION_MINOR, CXXOPTS__VERSION_PATCH)},
          {"nlohmann_json", fmt::format("{}.{}.{}", NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR,
                                        NLOHMANN_JSON_VERSION_PATCH)}};
}

Json skipped_json(const Plan& plan) {
  Json skipped = Json::array();
  for (const Cell& cell : plan.cells) {
    if (cell.skipped) skipped.push_back({{"name", cell.name}, {"reason", *cell.skipped}});
  }
  return skipped;
}

Json context_json(const ResultContext& context, const Results& results) {
  const Machine& machine = context.machine;
  const Plan& plan = context.plan;
  Json bench{{"schema_version", schema_version},
             {"version", build_info.version},
             {"command_line", context.options.command_line},
             {"seed", plan.seed},
             {"git_revision", build_info.git_revision},
             {"compiler", build_info.compiler},
             {"flags", build_info.flags},
             {"machine", machine_json(machine)},
             {"libraries", libraries_json()},
             {"interrupted", results.interrupted},
             {"elapsed_seconds", static_cast<double>(results.elapsed_ns) / 1e9},
             {"noise_floor", noise_json(results)},
             {"rulers", ruler_json(plan, results)},
             {"skipped", skipped_json(plan)}};
  return {{"date", context.date},
          {"host_name", machine.host},
          {"executable", context.options.command_line.empty() ? "bench" : context.options.command_line.front()},
          {"num_cpus", machine.cpus},
          {"mhz_per_cpu", static_cast<std::int64_t>(std::lround(machine.mhz))},
          {"cpu_scaling_enabled", machine.governor != "unknown" && machine.governor != "performance"},
          {"caches", caches_json(machine)},
          {"load_avg", machine.load_average},
          {"library_build_type", build_info.build_type == "Debug" ? "debug" : "release"},
          {"bench", std::move(bench)}};
}

Json interval_json(const Estimate& estimate) {
  return {{"low", estimate.low}, {"high", estimate.high}, {"bounded", estimate.bounded}};
}

Json ratio_json(const Ratio& ratio) {
  return {{"effect", ratio.effect},
          {"low", ratio.low},
          {"high", ratio.high},
          {"pairs", ratio.pairs},
          {"bounded", ratio.bounded}};
}

constexpr std::array<const char*, 4> percentile_names{"p50", "p90", "p99", "p99_9"};

void add_percentiles(Json& row, const std::string& prefix, const std::array<double, 4>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) row[fmt::format("{}_{}_ns", prefix, percentile_names[i])] = values[i];
}

Json parameters_json(const Plan& plan, const Cell& cell) {
  const Group& group = plan.group_of(cell);
  Json parameters{{"tasks", group.parameters.tasks}, {"cpus", group.cpus}};
  if (group.parameters.work != 0) parameters["work"] = group.parameters.work;
  if (!group.parameters.waits.empty()) {
    Json waits = Json::array();
    for (const std::chrono::nanoseconds wait : group.parameters.waits) waits.push_back(wait.count());
    parameters["waits_ns"] = std::move(waits);
  }
  if (cell.shows_workers) parameters["workers"] = cell.workers;
  return parameters;
}

// The keys that Google Benchmark gives every row.
Json row_head(const Cell& cell, const Group& group, std::size_t family, const std::string& name, const char* run_type) {
  return {{"name", name},
          {"family_index", family},
          {"per_family_instance_index", 0},
          {"run_name", cell.name},
          {"run_type", run_type},
          {"bench", {{"workload", group.name()}, {"model", cell.model->name}}}};
}

// The rows of one cell: its samples, or its failure, and the aggregates.
class CellRows {
 public:
  CellRows(const Plan& plan, std::size_t index, const Results& results, const std::vector<Regime>& regimes,
           double ideal_ns)
      : plan_(plan),
        cell_(plan.cells[index]),
        group_(plan.group_of(cell_)),
        index_(index),
        results_(results),
        result_(results.cells[index]),
        regimes_(regimes),
        ideal_ns_(ideal_ns) {}

  void add_samples(Json& rows) const {
    for (std::size_t i = 0; i < result_.samples.size(); ++i) rows.push_back(sample_row(i));
    if (result_.failure) rows.push_back(failure_row());
  }

  void add_aggregates(Json& rows, const CellSummary& summary) const {
    rows.push_back(median_row(summary));
    const auto all = merged();
    for (std::size_t i = 0; i < percentile_names.size(); ++i) rows.push_back(percentile_row(summary, *all, i));
  }

 private:
  std::size_t repetitions() const { return result_.samples.size() + (result_.failure ? 1 : 0); }

  const Ruler* ruler_before(std::uint32_t round) const {
    const std::size_t workload = workload_index(plan_, group_);
    const auto found = std::ranges::find_if(results_.rulers, [&](const RulerReading& reading) {
      return reading.workload == workload && reading.round == round && !reading.after;
    });
    return found == results_.rulers.end() ? nullptr : &found->ruler;
  }

  Json sample_row(std::size_t index) const {
    const Sample& sample = result_.samples[index];
    Json row = row_head(cell_, group_, index_, cell_.name, "iteration");
    Json bench = std::move(row["bench"]);
    row.erase("bench");
    row["repetitions"] = repetitions();
    row["repetition_index"] = index;
    row["threads"] = 1;
    row["iterations"] = sample.batches;
    row["real_time"] = sample.wall_ns;
    row["cpu_time"] = sample.cpu_ns;
    row["time_unit"] = "ns";
    row["items_per_second"] = group_.parameters.tasks / (sample.wall_ns / 1e9);
    bench["parameters"] = parameters_json(plan_, cell_);
    bench["round"] = sample.round;
    bench["regime"] = regime_name(regimes_.at(sample.round));
    if (const Ruler* ruler = ruler_before(sample.round)) bench["ruler"] = probes_json(*ruler);
    bench["batches"] = sample.batches;
    bench["warmup_batches"] = sample.warmup_batches;
    bench["voluntary_switches_per_batch"] = sample.voluntary_switches;
    bench["involuntary_switches_per_batch"] = sample.involuntary_switches;
    bench["minor_faults_per_batch"] = sample.minor_faults;
    bench["major_faults_per_batch"] = sample.major_faults;
    bench["ideal_ns"] = ideal_ns(group_, sample.compute_ns);
    if (sample.compute_ns > 0) bench["plain_loop_cpu_ns"] = sample.compute_ns;
    bench["run_user_cpu_ns"] = sample.run_user_ns;
    bench["run_system_cpu_ns"] = sample.run_system_ns;
    bench["units_peak"] = sample.units_peak;
    add_percentiles(bench, "latency", sample.latency_ns);
    add_percentiles(bench, "start_delay", sample.start_delay_ns);
    add_percentiles(bench, "service", sample.service_ns);
    bench["latency_histogram"] = histogram_json(sample.latency);
    row["bench"] = std::move(bench);
    return row;
  }

  // [bucket, count, bucket, count, …] of the log-linear histogram with 2,048 sub-buckets.
  static Json histogram_json(const Histogram::Encoded& encoded) {
    Json flat = Json::array();
    for (const auto& [bucket, count] : encoded) {
      flat.push_back(bucket);
      flat.push_back(count);
    }
    return {{"kind", "log-linear"}, {"sub_buckets", 2 * Histogram::half_count}, {"buckets", std::move(flat)}};
  }

  Json failure_row() const {
    // Under a name of its own when earlier runs went well, since readers of the file pool rows of the same name.
    const std::string name = result_.samples.empty() ? cell_.name : cell_.name + "/failed";
    Json row = row_head(cell_, group_, index_, name, "iteration");
    row["repetitions"] = repetitions();
    row["repetition_index"] = result_.samples.size();
    row["threads"] = 1;
    row["error_occurred"] = true;
    row["error_message"] = *result_.failure;
    row["iterations"] = 0;
    row["real_time"] = 0.0;
    row["cpu_time"] = 0.0;
    row["time_unit"] = "ns";
    row["bench"]["parameters"] = parameters_json(plan_, cell_);
    return row;
  }

  Json aggregate_row(const char* aggregate, std::size_t samples, double real_ns, double cpu_ns) const {
    Json row = row_head(cell_, group_, index_, fmt::format("{}_{}", cell_.name, aggregate), "aggregate");
    row["repetitions"] = samples;
    row["threads"] = 1;
    row["aggregate_name"] = aggregate;
    row["aggregate_unit"] = "time";
    row["iterations"] = samples;
    row["real_time"] = real_ns;
    row["cpu_time"] = cpu_ns;
    row["time_unit"] = "ns";
    return row;
  }

  Json median_row(const CellSummary& summary) const {
    Json row = aggregate_row("median", summary.wall_ns.samples, summary.wall_ns.median, summary.cpu_ns.median);
    row["items_per_second"] = group_.parameters.tasks / (summary.wall_ns.median / 1e9);
    Json& bench = row["bench"];
    bench["real_time_interval_ns"] = interval_json(summary.wall_ns);
    bench["cpu_time_interval_ns"] = interval_json(summary.cpu_ns);
    bench["ideal_ns"] = ideal_ns_;
    if (summary.over_ideal) bench["over_ideal"] = ratio_json(*summary.over_ideal);
    if (summary.speedup) bench["speedup_over_serial"] = ratio_json(*summary.speedup);
    if (summary.checkpoint_ns) {
      bench["checkpoint_ns"] = summary.checkpoint_ns->median;
      bench["checkpoint_interval_ns"] = interval_json(*summary.checkpoint_ns);
    }
    bench["user_cpu_percent"] = summary.user_share * 100;
    bench["voluntary_switches_per_batch"] = summary.voluntary_switches.median;
    bench["involuntary_switches_per_batch"] = summary.involuntary_switches.median;
    bench["minor_faults_per_batch"] = summary.minor_faults.median;
    bench["major_faults_per_batch"] = summary.major_faults.median;
    bench["units_peak"] = summary.units_peak.median;
    if (result_.peak_memory_bytes > 0) bench["peak_memory_bytes"] = result_.peak_memory_bytes;
    return row;
  }

  // A row for each shown percentile: the median of the runs' percentiles with its interval, and what all runs merged
  // give.
  Json percentile_row(const CellSummary& summary, const Histogram& all, std::size_t which) const {
    const Estimate& latency = summary.latency_ns[which];
    Json row = aggregate_row(percentile_names[which], latency.samples, latency.median, summary.cpu_ns.median);
    Json& bench = row["bench"];
    bench["latency_interval_ns"] = interval_json(latency);
    bench["merged_latency_ns"] = static_cast<double>(all.percentile_ns(shown_percentiles[which]));
    bench["start_delay_ns"] = summary.start_delay_ns[which].median;
    bench["service_ns"] = summary.service_ns[which].median;
    return row;
  }

  std::unique_ptr<Histogram> merged() const {
    auto all = std::make_unique<Histogram>();
    for (const Sample& sample : result_.samples) {
      if (const auto one = Histogram::decode(sample.latency)) all->merge(*one);
    }
    return all;
  }

  const Plan& plan_;
  const Cell& cell_;
  const Group& group_;
  std::size_t index_;
  const Results& results_;
  const CellResult& result_;
  const std::vector<Regime>& regimes_;
  double ideal_ns_;
};

std::system_error write_failure(const std::string& path) {
  return {errno, std::generic_category(), fmt::format("write {}", path)};
}

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_failure(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) throw write_failure(path);
}

}  // namespace

nlohmann::ordered_json make_document(const ResultContext& context, const Results& results) {
  Json rows = Json::array();
  for (const GroupSummary& summary : summarize(context.plan, results)) {
    const Group& group = context.plan.groups[summary.group];
    std::uint32_t rounds = 0;
    for (const std::size_t cell : group.cells) {
      for (const Sample& sample : results.cells[cell].samples) rounds = std::max(rounds, sample.round + 1);
    }
    const std::vector<Regime> regimes = regimes_of(results, workload_index(context.plan, group), rounds);
    for (const std::size_t index : group.cells) {
      const CellRows cell(context.plan, index, results, regimes, summary.ideal_ns);
      cell.add_samples(rows);
      const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
      if (row != summary.cells.end()) cell.add_aggregates(rows, *row);
    }
  }
  return {{"context", context_json(context, results)}, {"benchmarks", std::move(rows)}};
}

std::string document_text(const nlohmann::ordered_json& document) {
  return document.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

ResultFile::ResultFile(std::string path, bool force) : path_(std::move(path)) {
  std::error_code link_error;
  // The file that a link names is replaced, not the link.
  const bool is_link = std::filesystem::is_symlink(path_, link_error);
  const std::filesystem::path full = is_link ? std::filesystem::weakly_canonical(path_) : std::filesystem::path(path_);
  name_ = full.filename().string();
  folder_ = full.has_parent_path() ? full.parent_path().string() : ".";
  const auto refuse = [&](const std::string& problem) {
    throw UsageError(fmt::format("--out={}: {}", path_, problem));
  };
  std::error_code error;
  if (name_.empty() || std::filesystem::is_directory(full, error)) refuse("is a folder; name a file");
  if (!std::filesystem::is_directory(folder_, error)) refuse(fmt::format("the folder {} does not exist", folder_));
  if (std::filesystem::exists(full, error)) {
    // A rename would put a file in the place of a device or a pipe.
    if (!std::filesystem::is_regular_file(full, error)) refuse("is no regular file; --out=- writes to standard output");
    if (!force) refuse("exists already; --force overwrites it");
  }
  // Whether a file can be made there is seen by making one, which root and full or read-only disks all answer to.
  const std::string probe = fmt::format("{}/.{}.{}", folder_, name_, getpid());
  const UniqueFd fd(open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) refuse(fmt::format("cannot be written: {}", std::strerror(errno)));
  unlink(probe.c_str());
}

void ResultFile::write(const nlohmann::ordered_json& document) const {
  const std::string text = document_text(document);
  const std::string whole = fmt::format("{}/.{}.{}", folder_, name_, getpid());
  unlink(whole.c_str());
  // A file without a name until all of it is on disk, so that a crash leaves nothing; file systems without O_TMPFILE
  // get a named one.
  UniqueFd fd(open(folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  const bool nameless = fd.valid();
  if (!nameless) fd = UniqueFd(open(whole.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) throw write_failure(path_);
  write_all(fd.get(), text, path_);
  if (nameless) {
    const std::string link = fmt::format("/proc/self/fd/{}", fd.get());
    if (linkat(AT_FDCWD, link.c_str(), AT_FDCWD, whole.c_str(), AT_SYMLINK_FOLLOW) != 0) throw write_failure(path_);
  }
  const std::string target = folder_ + "/" + name_;
  if (rename(whole.c_str(), target.c_str()) != 0) throw write_failure(path_);
  const UniqueFd folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) fsync(folder.get());
}

std::string default_result_path(const Machine& machine) {
  const char* given = std::getenv("BENCH_RESULTS");
  const std::string folder = given && *given ? given : "results";
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // where this fails, ResultFile says why
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const std::string stem =
      fmt::format("{}/{:%Y%m%dT%H%M%SZ}-{}-{}", folder, fmt::gmtime(now), machine.host, build_info.git_revision);
  // Short plans may begin in the same second.
  std::string path = stem + ".json";
  for (int copy = 2; std::filesystem::exists(path, error); ++copy) path = fmt::format("{}-{}.json", stem, copy);
  return path;
}

std::string iso_time() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace bench
