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

void read_sample(const JsonPlace& row, const Group& /*group*/, Sample& sample) {
  const JsonPlace bench = row.at("bench");
  sample.voluntary_switches = bench.at("voluntary_switches_per_operation").number();
  sample.involuntary_switches = bench.at("involuntary_switches_per_operation").number();
  sample.minor_faults = bench.at("minor_faults_per_operation").number();
  sample.major_faults = bench.at("major_faults_per_operation").number();
  sample.primitive = {.operations = row.at("iterations").count(),
                      .memory = {.user_bytes = number_at(bench, "user_bytes_per_unit"),
                                 .kernel_bytes = number_at(bench, "kernel_bytes_per_unit")}};
}

void read_group(const JsonPlace& /*parameters*/, Group& group) {
  group.batch.tasks = static_cast<std::uint32_t>(group.parameters.number("tasks"));
}

void read_cell(const JsonPlace& parameters, const Group& group, Cell& cell) {
  const std::string via = parameters.at("via").text();
  const std::uint64_t cpus = parameters.at("cpus").count();
  const auto units = parameters.find("units");
  for (const PrimitiveRow& row : group.primitive->rows) {
    if (row.model == cell.model->name && row.via == via && row.cpus == cpus &&
        row.units == (units ? units->count() : 0)) {
      cell.row = &row;
    }
  }
  if (!cell.row) parameters.refuse("this program has no such row of the primitive");
}

void read_median(const JsonPlace& /*bench*/, CellResult& /*result*/) {}

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
                                   .read_sample = read_sample,
                                   .read_group = read_group,
                                   .read_cell = read_cell,
                                   .read_median = read_median,
                                   .median = fill_median,
                                   .percentile = fill_percentile};

}  // namespace bench
