// What the rows of a job hold that those of a service do not.
#include <algorithm>

#include "harness/report/row_parts.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json parameters(const RowSource& source, const Sample* /*sample*/) {
  Json parameters = Json::object();
  add_workload_parameters(source.group, parameters);
  parameters["cpus"] = source.group.cpus;
  add_model_parameters(source.cell, parameters);
  return parameters;
}

double items_per_second(const RowSource& source, double batch_ns) {
  const Group& group = source.group;
  const std::uint64_t items = group.job->items ? group.job->items(group.batch) : group.batch.tasks;
  return static_cast<double>(items) / (batch_ns / 1e9);
}

// "most inside" as a key.
std::string key_of(std::string_view tally) {
  std::string key(tally);
  std::ranges::replace(key, ' ', '_');
  return key;
}

void add_tallies(const Job& job, std::span<const double> tallies, std::string_view remark, Json& bench) {
  for (std::size_t index = 0; index < tallies.size(); ++index) {
    bench["tallies"][key_of(job.tallies[index])] = tallies[index];
  }
  if (!remark.empty()) bench["remark"] = remark;
}

void fill_sample(const RowSource& source, const Sample& sample, Json& row, Json& bench) {
  row["iterations"] = sample.batches;
  row["items_per_second"] = items_per_second(source, sample.wall_ns);
  bench["batches"] = sample.batches;
  bench["warmup_batches"] = sample.warmup_batches;
  bench["voluntary_switches_per_batch"] = sample.voluntary_switches;
  bench["involuntary_switches_per_batch"] = sample.involuntary_switches;
  bench["minor_faults_per_batch"] = sample.minor_faults;
  bench["major_faults_per_batch"] = sample.major_faults;
  bench["ideal_ns"] = ideal_ns(source.group, sample.ideal_cpu_ns);
  if (sample.ideal_cpu_ns > 0) bench["plain_loop_cpu_ns"] = sample.ideal_cpu_ns;
  bench["units_peak"] = sample.units_peak;
  add_percentiles(bench, "start_delay", sample.start_delay_ns);
  add_percentiles(bench, "service", sample.task_time_ns);
  add_tallies(*source.group.job, sample.tallies, sample.remark, bench);
}

void read_sample(const JsonPlace& row, const Group& group, Sample& sample) {
  const JsonPlace bench = row.at("bench");
  sample.batches = static_cast<std::uint32_t>(bench.at("batches").count());
  sample.voluntary_switches = bench.at("voluntary_switches_per_batch").number();
  sample.involuntary_switches = bench.at("involuntary_switches_per_batch").number();
  sample.minor_faults = bench.at("minor_faults_per_batch").number();
  sample.major_faults = bench.at("major_faults_per_batch").number();
  sample.ideal_cpu_ns = number_at(bench, "plain_loop_cpu_ns");
  sample.units_peak = static_cast<std::int32_t>(bench.at("units_peak").number());
  sample.start_delay_ns = read_percentiles(bench, "start_delay");
  sample.task_time_ns = read_percentiles(bench, "service");
  if (const auto tallies = bench.find("tallies")) {
    for (const std::string_view tally : group.job->tallies) {
      sample.tallies.push_back(tallies->at(key_of(tally)).number());
    }
  }
  if (const auto remark = bench.find("remark")) sample.remark = remark->text();
}

void read_group(const JsonPlace& parameters, Group& group) {
  group.cpus = static_cast<std::uint32_t>(parameters.at("cpus").count());
  group.batch = batch_of(*group.job, group.parameters);
}

void read_cell(const JsonPlace& /*parameters*/, const Group& /*group*/, Cell& /*cell*/) {}

void read_median(const JsonPlace& bench, CellResult& result) {
  result.peak_memory_bytes = static_cast<std::int64_t>(number_at(bench, "peak_memory_bytes"));
}

void fill_median(const RowSource& source, const CellSummary& summary, Json& row, Json& bench) {
  row["items_per_second"] = items_per_second(source, summary.wall_ns.median);
  bench["ideal_ns"] = source.ideal_ns;
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
  std::vector<double> tallies;
  for (const Tally& tally : summary.tallies) tallies.push_back(tally.count.median);
  add_tallies(*source.group.job, tallies, summary.remark, bench);
  if (source.result.peak_memory_bytes > 0) bench["peak_memory_bytes"] = source.result.peak_memory_bytes;
}

void fill_percentile(const RowSource& /*source*/, const CellSummary& summary, std::size_t which, Json& bench) {
  bench["start_delay_ns"] = summary.start_delay_ns[which].median;
  bench["service_ns"] = summary.task_time_ns[which].median;
}

}  // namespace

const RowParts job_row_parts{.has_latency = true,
                             .parameters = parameters,
                             .sample = fill_sample,
                             .read_sample = read_sample,
                             .read_group = read_group,
                             .read_cell = read_cell,
                             .read_median = read_median,
                             .median = fill_median,
                             .percentile = fill_percentile};

}  // namespace bench
