#include "harness/report/read_back.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "harness/options/choose.h"
#include "harness/report/report_kind.h"
#include "harness/report/results.h"
#include "harness/text/json_place.h"
#include "harness/text/parameters.h"
#include "models/reflector.h"

namespace bench {
namespace {

constexpr std::array known_kinds{Kind::job, Kind::service, Kind::primitive};

std::uint32_t small_count(const JsonPlace& place) {
  if (place.count() > UINT32_MAX) place.refuse("is too large");
  return static_cast<std::uint32_t>(place.count());
}

template <typename Row>
const Row& row_named(RowList<Row> rows, const JsonPlace& place) {
  const std::string name = place.text();
  const auto found = std::ranges::find(rows, name, &Row::name);
  if (found == rows.end()) place.refuse(fmt::format("this program has no workload '{}'", name));
  return *found;
}

ParameterValue value_of(const Parameter& row, const JsonPlace& place) {
  switch (row.kind) {
    case ParameterKind::count:
    case ParameterKind::size:
    case ParameterKind::duration: return place.count();
    case ParameterKind::rate: return place.number();
    case ParameterKind::share: return place.number() / 100;
    case ParameterKind::choice: {
      const std::string word = place.text();
      const auto choices = choices_of(row);
      const auto found = std::ranges::find(choices, word);
      if (found == choices.end()) place.refuse(fmt::format("there is no choice '{}'", word));
      return static_cast<std::uint64_t>(found - choices.begin());
    }
    case ParameterKind::pair: {
      const auto numbers = place.elements();
      if (numbers.size() != 2) place.refuse("is no pair of numbers");
      return CountPair{.first = numbers[0].count(), .second = numbers[1].count()};
    }
    case ParameterKind::durations: break;
  }
  std::vector<std::chrono::nanoseconds> times;
  for (const JsonPlace& time : place.elements()) times.emplace_back(static_cast<std::int64_t>(time.count()));
  return times;
}

class Reader {
 public:
  Reader(const Tables& tables, const nlohmann::json& document, const std::string& name,
         const std::vector<std::string>& workloads)
      : tables_(tables), top_(document, name), wanted_(workloads) {}

  ReadBack read() {
    const JsonPlace bench = top_.at("context").at("bench");
    const JsonPlace schema = bench.at("schema_version");
    if (schema.count() > schema_version) {
      schema.refuse(
          fmt::format("schema {} is newer than this program, which knows {}", schema.count(), schema_version));
    }
    for (const JsonPlace& row : top_.at("benchmarks").elements()) sort(row);
    const JsonPlace groups = bench.at("groups");
    for (const JsonPlace& group : groups.elements()) {
      const std::string workload = group.at("workload").text();
      there_.insert(workload);
      if (wanted_.empty() || std::ranges::find(wanted_, workload) != wanted_.end()) read_group(group);
    }
    for (const std::string& workload : wanted_) {
      if (!there_.contains(workload)) {
        groups.refuse(fmt::format("there is no '{}'; there are {}", workload, fmt::join(there_, ", ")));
      }
    }
    number_workloads(read_.plan);
    read_cells(bench);
    read_surroundings();
    read_context(bench);
    return std::move(read_);
  }

 private:
  // The rows of a cell.
  struct Rows {
    std::vector<JsonPlace> samples;
    std::optional<JsonPlace> median;
    std::optional<std::string> failure;
    std::optional<JsonPlace> first;  // that has parameters
  };

  void sort(const JsonPlace& row) {
    Rows& rows = rows_[row.at("run_name").text()];
    const std::string type = row.at("run_type").text();
    if (type == "aggregate") {
      if (row.at("aggregate_name").text() == "median") rows.median = row;
      return;
    }
    if (type != "iteration") row.at("run_type").refuse(fmt::format("there is no run_type '{}'", type));
    if (!rows.first) rows.first = row;
    const auto error = row.find("error_occurred");
    if (error && error->truth()) {
      rows.failure = row.at("error_message").text();
    } else {
      rows.samples.push_back(row);
    }
  }

  // The parameters of the first of the cells that has a row; nothing where none has.
  std::optional<JsonPlace> parameters_of(const std::vector<JsonPlace>& cells) const {
    for (const JsonPlace& cell : cells) {
      const auto rows = rows_.find(cell.text());
      if (rows != rows_.end() && rows->second.first) return rows->second.first->at("bench").at("parameters");
    }
    return std::nullopt;
  }

  void read_group(const JsonPlace& place) {
    const std::size_t number = read_.plan.groups.size();
    Group& group = read_.plan.groups.emplace_back();
    group.title = place.at("title").text();
    const std::string kind = place.at("kind").text();
    const auto known = std::ranges::find(known_kinds, kind, kind_name);
    if (known == known_kinds.end()) place.at("kind").refuse(fmt::format("there is no kind '{}'", kind));
    const JsonPlace workload = place.at("workload");
    std::span<const Parameter> own;
    switch (*known) {
      case Kind::job: own = (group.job = &row_named(tables_.jobs, workload))->parameters; break;
      case Kind::service: own = (group.service = &row_named(tables_.services, workload))->parameters; break;
      case Kind::primitive: own = (group.primitive = &row_named(tables_.primitives, workload))->parameters; break;
    }
    const std::vector<JsonPlace> cells = place.at("cells").elements();
    const auto written = place.find("parameters");  // not in older files
    const auto told = written ? written : parameters_of(cells);
    const bool is_foreign = told && told->find("target");  // whose server may have none of them
    for (const Parameter& row : own) {
      if (const auto value = told ? told->find(key_of(row)) : std::nullopt) {
        group.parameters.set(row, value_of(row, *value));
      } else if (!is_foreign) {
        group.parameters.set(row, standard_value(row));
      }
    }
    if (told) report_kind(group).rows->read_group(*told, group);
    const auto labels = place.find("labels");
    const std::vector<JsonPlace> label_texts = labels ? labels->elements() : std::vector<JsonPlace>{};
    if (labels && label_texts.size() != cells.size()) labels->refuse("there is one for each cell");
    for (std::size_t index = 0; index < cells.size(); ++index) {
      group.cells.push_back(read_.plan.cells.size());
      Cell& cell = read_.plan.cells.emplace_back();
      cell.group = number;
      cell.name = cells[index].text();
      if (labels) cell.label = label_texts[index].text();
    }
  }

  const Model* model_named(const std::string& name) {
    if (name == reflector.name) return &reflector;
    for (const RowList<Model> models : {tables_.models, tables_.references}) {
      const auto found = std::ranges::find(models, name, &Model::name);
      if (found != models.end()) return &*found;
    }
    for (const Model& model : read_.other_models) {
      if (model.name == name) return &model;
    }
    try {
      if (name.find('+') != std::string::npos) return choose_models(tables_, name).front();
    } catch (const UsageError&) {  // a hybrid of models that are not here
    }
    Model& model = read_.other_models.emplace_back();
    model = {.name = read_.other_names.emplace_back(name),
             .summary = {},
             .aliases = {},
             .unit = UnitKind::thread,
             .units = HowMany::one,
             .in_flight = HowMany::tasks,
             .run = nullptr,
             .serve = nullptr};
    return &model;
  }

  void read_cells(const JsonPlace& bench) {
    std::map<std::string, std::string> skipped;
    for (const JsonPlace& cell : bench.at("skipped").elements()) {
      skipped[cell.at("name").text()] = cell.at("reason").text();
    }
    std::map<std::string, std::string> notes;
    if (const auto list = bench.find("notes")) {
      for (const JsonPlace& cell : list->elements()) notes[cell.at("name").text()] = cell.at("note").text();
    }
    for (Cell& cell : read_.plan.cells) {
      CellResult& result = read_.results.cells.emplace_back();
      if (const auto why = skipped.find(cell.name); why != skipped.end()) cell.skipped = why->second;
      if (const auto note = notes.find(cell.name); note != notes.end()) cell.note = note->second;
      read_cell(cell, result);
      if (cell.label.empty()) cell.label = cell.model->name;
    }
  }

  void read_cell(Cell& cell, CellResult& result) {
    const Group& group = read_.plan.groups[cell.group];
    const RowParts& parts = *report_kind(group).rows;
    const auto found = rows_.find(cell.name);
    if (found == rows_.end() || !found->second.first) {
      // "io/threads/…": nobody ran it.
      const std::size_t begin = cell.name.find('/') + 1;
      cell.model = model_named(cell.name.substr(begin, cell.name.find('/', begin) - begin));
      return;
    }
    const Rows& rows = found->second;
    const JsonPlace first = rows.first->at("bench");
    cell.model = model_named(first.at("model").text());
    const JsonPlace told = first.at("parameters");
    if (const auto workers = told.find("workers")) {
      cell.workers = small_count(*workers);
      cell.shows_workers = true;
    }
    if (const auto requests = told.find("requests_per_connection")) {
      read_.plan.services.client.requests_per_connection = requests->count();
    }
    if (const auto stack = told.find("stack_bytes")) cell.stack_bytes = stack->count();
    parts.read_cell(told, group, cell);
    // What a server that somebody else ran costs is there where its process was told.
    if (Group& of = read_.plan.groups[cell.group]; of.foreign && !rows.samples.empty()) {
      const JsonPlace bench = rows.samples.front().at("bench");
      const bool known = bench.find("server_cpu_ns_per_request") || bench.find("server_cpu_unknown");
      of.foreign->pid = known ? 1 : -1;
    }
    for (const JsonPlace& row : rows.samples) result.samples.push_back(sample_of(row, group, parts));
    result.failure = rows.failure;
    if (rows.median) parts.read_median(rows.median->at("bench"), result);
  }

  // What is not shown has met the machine, too.
  void read_surroundings() {
    for (const Cell& cell : read_.plan.cells) rows_.erase(cell.name);
    for (const auto& [name, rows] : rows_) {
      for (const JsonPlace& row : rows.samples) {
        read_.results.elsewhere.push_back(surroundings_of(row.at("bench")));
      }
    }
  }

  static Surroundings surroundings_of(const JsonPlace& bench) {
    return {.before = read_probes(bench.at("ruler")),
            .after = read_probes(bench.at("ruler_after")),
            .others_busy = number_at(bench, "others_cpu_percent") / 100};
  }

  static Sample sample_of(const JsonPlace& row, const Group& group, const RowParts& parts) {
    const JsonPlace bench = row.at("bench");
    Sample sample;
    sample.round = small_count(bench.at("round"));
    sample.batches = 1;
    sample.wall_ns = row.at("real_time").number();
    sample.cpu_ns = row.at("cpu_time").number();
    sample.surroundings = surroundings_of(bench);
    sample.run_user_ns = static_cast<std::int64_t>(number_at(bench, "run_user_cpu_ns"));
    sample.run_system_ns = static_cast<std::int64_t>(number_at(bench, "run_system_cpu_ns"));
    sample.throttling = {.times = static_cast<std::int64_t>(number_at(bench, "throttled_times")),
                         .ns = static_cast<std::int64_t>(number_at(bench, "throttled_ns"))};
    if (parts.has_latency) sample.latency_ns = read_percentiles(bench, "latency");
    parts.read_sample(row, group, sample);
    return sample;
  }

  void read_context(const JsonPlace& bench) {
    read_.results.interrupted = bench.at("interrupted").truth();
    read_.results.common_rates.resize(read_.plan.groups.size());
    std::size_t most = 0;
    for (const CellResult& cell : read_.results.cells) most = std::max(most, cell.samples.size());
    read_.plan.min_rounds = read_.plan.max_rounds = static_cast<std::uint32_t>(std::max<std::size_t>(most, 1));
    if (const auto quota = bench.at("machine").find("cpu_quota")) {
      const double cpus = quota->at("cpus").number();
      for (Group& group : read_.plan.groups) group.quota_cpus = cpus;
      if (const auto remedy = quota->find("remedy")) {
        read_.plan.cpu_quota.emplace() = {.cpus = cpus, .name = quota->at("limit").text(), .remedy = remedy->text()};
      }
    }
  }

  const Tables& tables_;
  const JsonPlace top_;
  const std::vector<std::string>& wanted_;
  std::set<std::string> there_;
  std::map<std::string, Rows> rows_;
  ReadBack read_;
};

}  // namespace

ReadBack read_back(const Tables& tables, std::string_view text, const std::string& name,
                   const std::vector<std::string>& workloads) {
  const nlohmann::json document = parse_json(text, name);
  return Reader(tables, document, name, workloads).read();
}

}  // namespace bench
