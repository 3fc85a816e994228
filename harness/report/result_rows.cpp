#include "harness/report/result_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "harness/report/report_kind.h"
#include "harness/report/row_parts.h"
#include "harness/summary/summary_kind.h"
#include "harness/text/parameters.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

// The rows of one cell: its samples, or its failure, and the aggregates.
class CellRows {
 public:
  CellRows(const RowSource& source, std::size_t index, const Ruler& best)
      : source_(source),
        cell_(source.cell),
        result_(source.result),
        parts_(*report_kind(source.group).rows),
        index_(index),
        best_(best) {}

  void add_samples(Json& rows) const {
    for (std::size_t i = 0; i < result_.samples.size(); ++i) rows.push_back(sample_row(i));
    if (result_.failure) rows.push_back(failure_row());
  }

  void add_aggregates(Json& rows, const CellSummary& summary) const {
    rows.push_back(median_row(summary));
    if (!parts_.has_latency) return;
    const auto all = merged(summary.runs.used);
    for (std::size_t i = 0; i < percentile_names.size(); ++i) rows.push_back(percentile_row(summary, *all, i));
  }

 private:
  // The keys that Google Benchmark gives every row.
  Json row_head(const std::string& name, const char* run_type) const {
    return {{"name", name},
            {"family_index", index_},
            {"per_family_instance_index", 0},
            {"run_name", cell_.name},
            {"run_type", run_type}};
  }

  Json bench_head() const { return {{"workload", source_.group.name()}, {"model", cell_.model->name}}; }

  std::size_t repetitions() const { return result_.samples.size() + (result_.failure ? 1 : 0); }

  // [bucket, count, bucket, count, …] of the log-linear histogram with 2,048 sub-buckets.
  static Json histogram_json(const Histogram::Encoded& encoded) {
    Json flat = Json::array();
    for (const auto& [bucket, count] : encoded) {
      flat.push_back(bucket);
      flat.push_back(count);
    }
    return {{"kind", "log-linear"}, {"sub_buckets", 2 * Histogram::half_count}, {"buckets", std::move(flat)}};
  }

  Json sample_row(std::size_t index) const {
    const Sample& sample = result_.samples[index];
    Json row = row_head(cell_.name, "iteration");
    row["repetitions"] = repetitions();
    row["repetition_index"] = index;
    row["threads"] = 1;
    row["iterations"] = 0;
    row["real_time"] = sample.wall_ns;
    row["cpu_time"] = sample.cpu_ns;
    row["time_unit"] = "ns";
    row["items_per_second"] = 0.0;
    Json bench = bench_head();
    bench["parameters"] = parts_.parameters(source_, &sample);
    bench["round"] = sample.round;
    bench["regime"] = regime_name(regime_of(sample.surroundings, best_, summary_kind(source_.group).probe));
    bench["ruler"] = probes_json(sample.surroundings.before);
    bench["ruler_after"] = probes_json(sample.surroundings.after);
    bench["others_cpu_percent"] = sample.surroundings.others_busy * 100;
    const std::string why = why_invalid(sample);
    bench["valid"] = why.empty();
    if (!why.empty()) bench["invalid_reason"] = why;
    parts_.sample(source_, sample, row, bench);
    bench["run_user_cpu_ns"] = sample.run_user_ns;
    bench["run_system_cpu_ns"] = sample.run_system_ns;
    if (sample.throttling.times > 0) {
      bench["throttled_times"] = sample.throttling.times;
      bench["throttled_ns"] = sample.throttling.ns;
    }
    if (parts_.has_latency) {
      add_percentiles(bench, "latency", sample.latency_ns);
      bench["latency_histogram"] = histogram_json(sample.latency);
    }
    row["bench"] = std::move(bench);
    return row;
  }

  Json failure_row() const {
    // Under a name of its own, since readers of the file pool rows of the same name, and take its 0 ns for a time.
    Json row = row_head(cell_.name + "/failed", "iteration");
    row["repetitions"] = repetitions();
    row["repetition_index"] = result_.samples.size();
    row["threads"] = 1;
    row["error_occurred"] = true;
    row["error_message"] = *result_.failure;
    row["iterations"] = 0;
    row["real_time"] = 0.0;
    row["cpu_time"] = 0.0;
    row["time_unit"] = "ns";
    row["bench"] = bench_head();
    row["bench"]["parameters"] = parts_.parameters(source_, nullptr);
    return row;
  }

  Json aggregate_row(const char* aggregate, std::size_t samples, double real_ns, double cpu_ns) const {
    Json row = row_head(fmt::format("{}_{}", cell_.name, aggregate), "aggregate");
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
    Json bench = bench_head();
    bench["real_time_interval_ns"] = interval_json(summary.wall_ns);
    bench["cpu_time_interval_ns"] = interval_json(summary.cpu_ns);
    if (summary.over_ideal) bench["over_ideal"] = ratio_json(*summary.over_ideal);
    add_verdict(summary, bench);
    bench["others_cpu_percent"] = summary.others_busy * 100;
    parts_.median(source_, summary, row, bench);
    row["bench"] = std::move(bench);
    return row;
  }

  // A row for each shown percentile: the median of the runs' percentiles with its interval, and what all runs merged
  // give.
  Json percentile_row(const CellSummary& summary, const Histogram& all, std::size_t which) const {
    const Estimate& latency = summary.latency_ns[which];
    Json row = aggregate_row(percentile_names[which], latency.samples, latency.median, summary.cpu_ns.median);
    Json bench = bench_head();
    bench["latency_interval_ns"] = interval_json(latency);
    bench["merged_latency_ns"] = static_cast<double>(all.percentile_ns(shown_percentiles[which]));
    add_verdict(summary, bench);
    parts_.percentile(source_, summary, which, bench);
    row["bench"] = std::move(bench);
    return row;
  }

  // Which runs the figures rest on.
  static void add_verdict(const CellSummary& summary, Json& bench) {
    const RunsUsed& runs = summary.runs;
    bench["valid"] = runs.valid();
    bench["runs_used"] = runs.used.size();
    bench["runs_elsewhere"] = runs.elsewhere;
    if (runs.regime) bench["runs_regime"] = regime_name(*runs.regime);
    bench["invalid_samples"] = runs.invalid;
    if (runs.invalid != 0) bench["invalid_reason"] = runs.why_invalid;
  }

  std::unique_ptr<Histogram> merged(const std::vector<std::size_t>& runs) const {
    auto all = std::make_unique<Histogram>();
    for (const std::size_t run : runs) {
      if (const auto one = Histogram::decode(result_.samples[run].latency)) all->merge(*one);
    }
    return all;
  }

  const RowSource& source_;
  const Cell& cell_;
  const CellResult& result_;
  const RowParts& parts_;
  std::size_t index_;
  const Ruler& best_;
};

}  // namespace

Json result_rows(const Plan& plan, const Results& results, const std::vector<GroupSummary>& summaries) {
  Json rows = Json::array();
  for (const GroupSummary& summary : summaries) {
    const Group& group = plan.groups[summary.group];
    for (const std::size_t index : group.cells) {
      const RowSource source{.plan = plan,
                             .results = results,
                             .cell = plan.cells[index],
                             .group = group,
                             .result = results.cells[index],
                             .ideal_ns = summary.ideal_ns};
      const CellRows cell(source, index, summary.best);
      cell.add_samples(rows);
      const auto row = std::ranges::find(summary.cells, index, &CellSummary::cell);
      if (row != summary.cells.end()) cell.add_aggregates(rows, *row);
    }
  }
  return rows;
}

namespace {

Json value_json(const Parameter& row, const ParameterValue& value) {
  switch (row.kind) {
    case ParameterKind::count:
    case ParameterKind::size:
    case ParameterKind::duration: return std::get<std::uint64_t>(value);
    case ParameterKind::rate: return std::get<double>(value);
    case ParameterKind::share: return std::get<double>(value) * 100;
    case ParameterKind::choice: return row.choices[std::get<std::uint64_t>(value)];
    case ParameterKind::pair: {
      const auto& pair = std::get<CountPair>(value);
      return Json::array({pair.first, pair.second});
    }
    case ParameterKind::durations: break;
  }
  Json list = Json::array();
  for (const std::chrono::nanoseconds each : std::get<std::vector<std::chrono::nanoseconds>>(value)) {
    list.push_back(each.count());
  }
  return list;
}

}  // namespace

void add_workload_parameters(const Group& group, nlohmann::ordered_json& parameters) {
  for (const auto& [row, value] : group.parameters.all()) parameters[key_of(*row)] = value_json(*row, value);
}

void add_model_parameters(const Cell& cell, nlohmann::ordered_json& parameters) {
  if (cell.shows_workers) parameters["workers"] = cell.workers;
  if (cell.stack_bytes != default_stack_bytes) parameters["stack_bytes"] = cell.stack_bytes;
}

void add_percentiles(Json& bench, const std::string& prefix, std::span<const double, 4> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    bench[fmt::format("{}_{}_ns", prefix, percentile_names[i])] = values[i];
  }
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

double number_at(const JsonPlace& place, const std::string& key) {
  const auto found = place.find(key);
  return found ? found->number() : 0;
}

Percentiles<double> read_percentiles(const JsonPlace& bench, const std::string& prefix) {
  Percentiles<double> values{};
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = bench.at(fmt::format("{}_{}_ns", prefix, percentile_names[i])).number();
  }
  return values;
}

Ruler read_probes(const JsonPlace& place) {
  return {.line_trip_ns = number_at(place, "line_trip_ns"),
          .spin_ns = number_at(place, "spin_ns"),
          .system_call_ns = number_at(place, "system_call_ns"),
          .loopback_ns = number_at(place, "loopback_ns")};
}

Json probes_json(const Ruler& ruler) {
  return {{"line_trip_ns", ruler.line_trip_ns},
          {"spin_ns", ruler.spin_ns},
          {"system_call_ns", ruler.system_call_ns},
          {"loopback_ns", ruler.loopback_ns}};
}

}  // namespace bench
