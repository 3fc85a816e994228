// What the rows of a primitive hold that those of jobs and services do not.
#include "harness/report/row_parts.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

Json parameters(const RowSource& source, const Sample* /*sample*/) {
  const PrimitiveRow& row = *source.cell.row;
  Json parameters{{"via", row.via}, {"cpus", row.cpus}};
  add_workload_parameters(source.group, parameters);
  if (row.units != 0) parameters["units"] = row.units;
  add_model_parameters(source.cell, parameters);
  return parameters;
}

// Of a sample or a summary; `number` is the figure of one or the median of the other.
template <typename Source, typename Number>
void add_costs(Json& bench, const Source& source, Number number) {
  bench["voluntary_switches_per_operation"] = number(source.voluntary_switches);
  bench["involuntary_switches_per_operation"] = number(source.involuntary_switches);
  bench["minor_faults_per_operation"] = number(source.minor_faults);
  bench["major_faults_per_operation"] = number(source.major_faults);
}

void add_memory(Json& bench, const RowSource& source, double user_bytes, double kernel_bytes) {
  if (!source.group.primitive->measures_memory) return;
  bench["user_bytes_per_unit"] = user_bytes;
  bench["kernel_bytes_per_unit"] = kernel_bytes;
}

void fill_sample(const RowSource& source, const Sample& sample, Json& row, Json& bench) {
  row["iterations"] = sample.primitive->operations;
  row["items_per_second"] = 1e9 / sample.wall_ns;
  add_costs(bench, sample, [](double value) { return value; });
  add_memory(bench, source, sample.primitive->memory.user_bytes, sample.primitive->memory.kernel_bytes);
}

void fill_median(const RowSource& source, const CellSummary& summary, Json& row, Json& bench) {
  row["items_per_second"] = 1e9 / summary.wall_ns.median;
  bench["user_cpu_percent"] = summary.user_share * 100;
  add_costs(bench, summary, [](const Estimate& estimate) { return estimate.median; });
  add_memory(bench, source, summary.primitive->user_bytes.median, summary.primitive->kernel_bytes.median);
}

void fill_percentile(const RowSource& /*source*/, const CellSummary& /*summary*/, std::size_t /*which*/,
                     Json& /*bench*/) {}

}  // namespace

const RowParts primitive_row_parts{.has_latency = false,
                                   .parameters = parameters,
                                   .sample = fill_sample,
                                   .median = fill_median,
                                   .percentile = fill_percentile};

}  // namespace bench
