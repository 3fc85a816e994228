#include "harness/compare/read_result.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/summary/statistics.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

constexpr std::uint64_t newest_schema = 2;

constexpr std::array kinds{Kind::job, Kind::service, Kind::primitive};

Kind kind_of(const JsonPlace& place) {
  const std::string name = place.text();
  const auto found = std::ranges::find(kinds, name, kind_name);
  if (found == kinds.end()) place.refuse(fmt::format("there is no kind '{}'", name));
  return *found;
}

// For people: numbers of a parameter with their unit, as its key ends.
std::string shown(const JsonPlace& place, const std::string& key, const nlohmann::json& value) {
  const bool nested = std::ranges::any_of(value, [](const nlohmann::json& part) { return part.is_structured(); });
  if (value.is_object() || nested) place.refuse("a value or a list of values is due");
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() && key.ends_with("_ns")) return format_duration(value.get<double>());
  if (value.is_number() && key.ends_with("_per_second")) return format_count(value.get<double>()) + "/s";
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

class Reader {
 public:
  Reader(const nlohmann::json& document, const std::string& name) : top_(document, name) {}

  ReadResult read() {
    read_context(top_.at("context"));
    for (const JsonPlace& row : top_.at("benchmarks").elements()) read_row(row);
    name_labels();
    read_ruler();
    return std::move(result_);
  }

 private:
  void read_context(const JsonPlace& context) {
    const JsonPlace bench = context.at("bench");
    const JsonPlace schema = bench.at("schema_version");
    if (schema.count() > newest_schema) {
      schema.refuse(fmt::format("schema {} is newer than this program, which knows {}", schema.count(), newest_schema));
    }
    const JsonPlace machine = bench.at("machine");
    Facts& facts = result_.machine;
    facts["CPU"] = machine.at("cpu_model").text();
    facts["CPUs"] = fmt::to_string(machine.at("cpus_available").count());
    facts["kernel"] = machine.at("kernel").text();
    facts["governor"] = machine.at("governor").text();
    facts["hypervisor"] = machine.at("hypervisor").text();
    facts["compiler"] = bench.at("compiler").text();
    facts["flags"] = bench.at("flags").text();
    if (const auto load = machine.find("load_ns")) result_.probes.load_ns = load->number();
    if (const auto change = machine.find("switch_ns")) result_.probes.switch_ns = change->number();
    if (const auto quota = machine.find("cpu_quota")) facts["CPU quota"] = fmt::to_string(quota->at("cpus").number());
    result_.software["date"] = context.at("date").text();
    result_.software["host"] = context.at("host_name").text();
    result_.software["revision"] = bench.at("git_revision").text();
    if (const auto interrupted = bench.find("interrupted")) result_.interrupted = interrupted->truth();
    for (const JsonPlace& group : bench.at("groups").elements()) read_group(group);
  }

  void read_group(const JsonPlace& place) {
    ReadGroup group{
        .title = place.at("title").text(), .verdict = {}, .kind = kind_of(place.at("kind")), .ranked_by = {}};
    if (const auto verdict = place.find("verdict")) group.verdict = verdict->text();
    if (const auto warnings = place.find("warnings")) {
      for (const JsonPlace& warning : warnings->elements()) result_.warnings.push_back(warning.text());
    }
    if (const auto ranking = place.find("ranking")) group.ranked_by = ranking->at("by").text();
    for (const JsonPlace& cell : place.at("cells").elements()) group_of_[cell.text()] = result_.groups.size();
    result_.groups.push_back(std::move(group));
  }

  void read_row(const JsonPlace& row) {
    const std::string type = row.at("run_type").text();
    const std::string name = row.at("run_name").text();
    if (type == "aggregate") {
      if (row.at("aggregate_name").text() == "median") read_median(row, name);
      return;
    }
    if (type != "iteration") row.at("run_type").refuse(fmt::format("there is no run_type '{}'", type));
    ReadCell& cell = cell_named(row, name);
    const auto error = row.find("error_occurred");
    if (error && error->truth()) {
      cell.failure = row.at("error_message").text();
      return;
    }
    if (const std::string unit = row.at("time_unit").text(); unit != "ns") {
      row.at("time_unit").refuse(fmt::format("'ns' is due, there is '{}'", unit));
    }
    cell.runs.push_back(run_of(row));
  }

  void read_median(const JsonPlace& row, const std::string& name) {
    const JsonPlace bench = row.at("bench");
    ReadCell& cell = cell_named(row, name);
    for (std::size_t index = 0; index < metrics.size(); ++index) {
      const Metric& metric = metrics[index];
      const auto interval = metric.interval_key.empty() ? std::nullopt : bench.find(std::string(metric.interval_key));
      const auto value = interval ? metric.of(row) : std::nullopt;
      if (!value) continue;
      cell.medians[index] = {.median = *value,
                             .low = interval->at("low").number(),
                             .high = interval->at("high").number(),
                             .samples = row.at("iterations").count(),
                             .bounded = interval->at("bounded").truth()};
    }
    if (const auto valid = bench.find("valid"); valid && !valid->truth()) {
      cell.invalid = bench.at("invalid_reason").text();
    }
  }

  ReadCell& cell_named(const JsonPlace& row, const std::string& name) {
    const auto [place, is_new] = places_.try_emplace(name, result_.cells.size());
    if (!is_new) return result_.cells[place->second];
    const auto group = group_of_.find(name);
    if (group == group_of_.end()) row.at("run_name").refuse(fmt::format("no group has a cell '{}'", name));
    const JsonPlace bench = row.at("bench");
    ReadCell& cell = result_.cells.emplace_back();
    cell.name = name;
    cell.model = bench.at("model").text();
    cell.group = group->second;
    if (const auto parameters = bench.find("parameters")) {
      for (const auto& [key, value] : parameters->object().items()) {
        cell.parameters[key] = shown(parameters->at(key), key, value);
      }
      // What a search has found is a result.
      const auto mode = cell.parameters.find("rate_mode");
      if (mode != cell.parameters.end() && mode->second == "search") {
        for (const char* found : {"offered_rate_per_second", "duration_ns", "warmup_ns"}) cell.parameters.erase(found);
      }
    }
    return cell;
  }

  static Ruler ruler_of(const JsonPlace& place) {
    const auto reading = [&](const char* key) {
      const auto found = place.find(key);
      return found ? found->number() : 0.0;
    };
    return {.line_trip_ns = reading("line_trip_ns"),
            .spin_ns = reading("spin_ns"),
            .system_call_ns = reading("system_call_ns"),
            .loopback_ns = reading("loopback_ns")};
  }

  static ReadRun run_of(const JsonPlace& row) {
    const JsonPlace bench = row.at("bench");
    ReadRun run;
    const JsonPlace round = bench.at("round");
    if (round.count() > UINT32_MAX) round.refuse("there are not so many rounds");
    run.round = static_cast<std::uint32_t>(round.count());
    if (const auto valid = bench.find("valid"); valid && !valid->truth()) {
      run.why_invalid = bench.at("invalid_reason").text();
      if (run.why_invalid.empty()) bench.at("invalid_reason").refuse("a reason is due");
    }
    if (const auto ruler = bench.find("ruler")) run.surroundings.before = ruler_of(*ruler);
    if (const auto ruler = bench.find("ruler_after")) run.surroundings.after = ruler_of(*ruler);
    if (const auto others = bench.find("others_cpu_percent")) run.surroundings.others_busy = others->number() / 100;
    for (std::size_t index = 0; index < metrics.size(); ++index) {
      run.values[index] = metrics[index].of(row);
      if (run.values[index] && *run.values[index] < 0) {
        row.refuse(fmt::format("{} is below 0", metrics[index].meaning));
      }
    }
    return run;
  }

  void name_labels() {
    for (ReadCell& cell : result_.cells) {
      cell.label = cell.model;
      const auto is_namesake = [&](const ReadCell& other) {
        return &other != &cell && other.group == cell.group && other.model == cell.model;
      };
      if (std::ranges::none_of(result_.cells, is_namesake)) continue;
      for (const char* key : {"workers", "stack_bytes"}) {
        const auto told = cell.parameters.find(key);
        if (told != cell.parameters.end()) cell.label += fmt::format(" ({})", told->second);
      }
      if (cell.label == cell.model) cell.label = cell.name;
    }
  }

  void read_ruler() {
    for (double Ruler::*probe : {&Ruler::line_trip_ns, &Ruler::spin_ns, &Ruler::system_call_ns, &Ruler::loopback_ns}) {
      std::vector<double> values;
      for (const ReadCell& cell : result_.cells) {
        for (const ReadRun& run : cell.runs) {
          for (const Ruler& ruler : {run.surroundings.before, run.surroundings.after}) {
            if (ruler.*probe > 0) values.push_back(ruler.*probe);
          }
        }
      }
      if (!values.empty()) result_.ruler.*probe = median(values);
    }
  }

  JsonPlace top_;
  ReadResult result_;
  std::map<std::string, std::size_t> group_of_;  // by the cell's name
  std::map<std::string, std::size_t> places_;    // of cells, by name
};

}  // namespace

ReadResult parse_result(std::string_view text, const std::string& name, std::string label) {
  const nlohmann::json document = parse_json(text, name);
  ReadResult result = Reader(document, name).read();
  result.path = name;
  result.label = std::move(label);
  return result;
}

ReadResult read_result(const std::string& path, std::string label) {
  return parse_result(read_file(path), file_name(path), std::move(label));
}

}  // namespace bench
