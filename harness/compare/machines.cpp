#include "harness/compare/machines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "harness/compare/comparison.h"
#include "harness/summary/ranking.h"
#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"
#include "harness/text/table.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

// What tells a machine apart from its programs. 0: not known.
struct Reading {
  std::string_view name;
  std::string_view key;
  double (*of)(const Machines& machines, std::size_t machine);
};

template <double Ruler::*probe>
double ruler(const Machines& machines, std::size_t machine) {
  return machines.rulers[machine].*probe;
}

template <double MachineProbes::*probe>
double probed(const Machines& machines, std::size_t machine) {
  return machines.probes[machine].*probe;
}

constexpr std::array readings{
    Reading{"spin", "spin_ns", ruler<&Ruler::spin_ns>},
    Reading{"load from memory", "load_ns", probed<&MachineProbes::load_ns>},
    Reading{"system call", "system_call_ns", ruler<&Ruler::system_call_ns>},
    Reading{"switch of threads", "switch_ns", probed<&MachineProbes::switch_ns>},
    Reading{"cache line's trip", "line_trip_ns", ruler<&Ruler::line_trip_ns>},
    Reading{"loopback exchange", "loopback_ns", ruler<&Ruler::loopback_ns>},
};

const ReadCell* cell_named(const ReadResult& result, const std::string& name) {
  const auto found = std::ranges::find(result.cells, name, &ReadCell::name);
  return found == result.cells.end() || !found->failure.empty() || !found->invalid.empty() ? nullptr : &*found;
}

// What each valid run cost, with the machine's regime then.
ByRound costs_of(const ReadResult& result, const ReadCell& cell, const Metric& metric) {
  std::vector<Surroundings> around;
  for (const ReadCell& each : result.cells) {
    for (const ReadRun& run : each.runs) around.push_back(run.surroundings);
  }
  const Ruler best = best_readings(around);
  const auto probe = summary_kind(result.groups[cell.group].kind).probe;
  ByRound costs;
  for (const ReadRun& run : cell.runs) {
    const std::optional<double> value = run.values[place_of(metric)];
    if (!run.why_invalid.empty() || !value || *value <= 0) continue;
    costs[run.round] = {.value = metric.more_is_better ? 1 / *value : *value,
                        .regime = regime_of(run.surroundings, best, probe)};
  }
  return costs;
}

std::optional<Estimate> value_of(const ReadCell& cell, const Metric& metric) {
  std::vector<double> values;
  for (const ReadRun& run : cell.runs) {
    const std::optional<double> value = run.values[place_of(metric)];
    if (run.why_invalid.empty() && value) values.push_back(*value);
  }
  if (values.empty()) return std::nullopt;
  return median_estimate(values);
}

class GroupComparer {
 public:
  GroupComparer(const std::vector<ReadResult>& results, std::size_t group, const std::string& wanted)
      : results_(results), group_(results.front().groups[group]), metric_(main_metric(group_.ranked_by)) {
    found_.title = group_.title;
    for (const ReadCell& cell : results.front().cells) {
      if (cell.group == group) add(cell);
    }
    choose_reference(wanted);
  }

  GroupOnMachines compare() {
    if (reference_ == nullptr) return std::move(found_);
    found_.reference = reference_->label;
    for (Row& row : rows_) {
      for (std::size_t machine = 0; machine < results_.size(); ++machine) {
        row.model.over_reference.push_back(ratio_within_rounds(row.costs[machine], reference_costs(machine)));
      }
    }
    place();
    find_crossings();
    for (Row& row : rows_) found_.models.push_back(std::move(row.model));
    return std::move(found_);
  }

 private:
  struct Row {
    ModelOnMachines model;
    std::vector<ByRound> costs;  // by machine
  };

  // A cell that every machine has figures of.
  void add(const ReadCell& first) {
    Row row{.model = {.name = first.name, .model = first.model, .label = first.label, .metric = &metric_}, .costs = {}};
    for (const ReadResult& result : results_) {
      const ReadCell* cell = cell_named(result, first.name);
      if (cell == nullptr) return;
      if (const std::string told = differently_told(first, *cell, result); !told.empty()) {
        found_.left_out.push_back(fmt::format("{}: {}", first.name, told));
        return;
      }
      row.costs.push_back(costs_of(result, *cell, metric_));
      row.model.values.push_back(value_of(*cell, metric_));
      if (row.costs.back().empty()) return;
    }
    rows_.push_back(std::move(row));
  }

  // CPUs are each machine's own.
  std::string differently_told(const ReadCell& first, const ReadCell& cell, const ReadResult& result) const {
    if (result.groups[cell.group].ranked_by != group_.ranked_by) return "the files rank it by different figures";
    std::array<Facts, 2> told{first.parameters, cell.parameters};
    for (Facts& facts : told) {
      for (const char* own : {"server_cpus", "client_cpus", "cpus"}) facts.erase(own);
    }
    const std::vector<std::string> differing = differing_facts(told[0], told[1]);
    return differing.empty() ? std::string() : differing.front();
  }

  void choose_reference(const std::string& wanted) {
    if (rows_.empty()) return;
    const std::string_view name = !wanted.empty()            ? std::string_view(wanted)
                                  : group_.kind == Kind::job ? "serial"
                                                             : "threads";
    const auto found = std::ranges::find_if(rows_, [&](const Row& row) { return row.model.model == name; });
    reference_ = found == rows_.end() ? &rows_.front().model : &found->model;
  }

  const ByRound& reference_costs(std::size_t machine) const {
    const auto row = std::ranges::find_if(rows_, [&](const Row& each) { return &each.model == reference_; });
    return row->costs[machine];
  }

  void place() {
    for (std::size_t machine = 0; machine < results_.size(); ++machine) {
      std::vector<double> effects;
      for (const Row& row : rows_) {
        if (const auto& ratio = row.model.over_reference[machine]) effects.push_back(ratio->effect);
      }
      std::ranges::sort(effects);
      for (Row& row : rows_) {
        const auto& ratio = row.model.over_reference[machine];
        row.model.places.push_back(
            ratio ? static_cast<std::size_t>(std::ranges::lower_bound(effects, ratio->effect) - effects.begin()) + 1
                  : 0);
      }
    }
  }

  void find_crossings() {
    for (const Row& one : rows_) {
      for (const Row& other : rows_) {
        for (std::size_t there = 1; there < results_.size(); ++there) add_crossing(one, other, there);
      }
    }
  }

  void add_crossing(const Row& one, const Row& other, std::size_t there) {
    if (&one == &other) return;
    const auto here_ratio = ratio_within_rounds(one.costs[0], other.costs[0]);
    const auto there_ratio = ratio_within_rounds(one.costs[there], other.costs[there]);
    if (!here_ratio || !there_ratio || !tells_apart(*here_ratio) || !tells_apart(*there_ratio)) return;
    if (here_ratio->effect > 1 || there_ratio->effect < 1) return;
    found_.crossings.push_back({.less = one.model.label,
                                .more = other.model.label,
                                .here = results_[0].label,
                                .there = results_[there].label,
                                .on_here = *here_ratio,
                                .on_there = *there_ratio});
  }

  const std::vector<ReadResult>& results_;
  const ReadGroup& group_;
  const Metric& metric_;
  std::vector<Row> rows_;
  const ModelOnMachines* reference_ = nullptr;
  GroupOnMachines found_;
};

std::string ratio_text(const std::optional<Ratio>& ratio) {
  if (!ratio) return "-";
  const std::string effect = format_ratio(ratio->effect);
  return ratio->bounded ? fmt::format("{} ({} to {})", effect, format_ratio(ratio->low), format_ratio(ratio->high))
                        : effect;
}

std::string render(const Table& table, Format format, bool emphasis) {
  return format == Format::markdown ? render_markdown(table) : render_console(table, emphasis);
}

std::vector<std::string> header(std::string_view first, const std::vector<std::string>& labels) {
  std::vector<std::string> names{std::string(first)};
  names.insert(names.end(), labels.begin(), labels.end());
  return names;
}

std::string group_text(const GroupOnMachines& group, const std::vector<std::string>& labels, Format format,
                       bool emphasis) {
  Table table{.header = header("model", labels), .rows = {}};
  for (const ModelOnMachines& model : group.models) {
    std::vector<std::string> row{model.label};
    for (std::size_t machine = 0; machine < labels.size(); ++machine) {
      const std::string place = model.places[machine] == 0 ? "" : fmt::format(", place {}", model.places[machine]);
      row.push_back(ratio_text(model.over_reference[machine]) + place);
    }
    table.rows.push_back(std::move(row));
  }
  std::string text = fmt::format("{}{}: {} over that of {} on the same machine, with 95% intervals\n\n{}",
                                 format == Format::markdown ? "### " : "", group.title,
                                 group.models.empty() ? "cost" : group.models.front().metric->meaning, group.reference,
                                 render(table, format, emphasis));
  for (const Crossing& crossing : group.crossings) {
    text += fmt::format("\n{} costs less than {} on {} ({}) and more on {} ({}).", crossing.less, crossing.more,
                        crossing.here, ratio_text(crossing.on_here), crossing.there, ratio_text(crossing.on_there));
  }
  if (!group.crossings.empty()) text += '\n';
  for (const std::string& cell : group.left_out) text += fmt::format("\nNot compared: {}.", cell);
  return text + '\n';
}

std::string raw_text(const Machines& machines, Format format, bool emphasis) {
  Table table{.header = header("cell", machines.labels), .rows = {}};
  for (const Reading& reading : readings) {
    std::vector<std::string> row{fmt::format("ruler: {}", reading.name)};
    for (std::size_t machine = 0; machine < machines.labels.size(); ++machine) {
      const double found_ns = reading.of(machines, machine);
      row.push_back(found_ns > 0 ? format_duration(found_ns) : "-");
    }
    table.rows.push_back(std::move(row));
  }
  for (const GroupOnMachines& group : machines.groups) {
    for (const ModelOnMachines& model : group.models) {
      std::vector<std::string> row{model.name};
      for (const std::optional<Estimate>& value : model.values) {
        row.push_back(value ? model.metric->show(value->median) : "-");
      }
      table.rows.push_back(std::move(row));
    }
  }
  return fmt::format("{}Different machines: raw values, which say nothing of the programs\n\n{}",
                     format == Format::markdown ? "### " : "", render(table, format, emphasis));
}

Json ratio_json(const Ratio& ratio) {
  return {{"effect", ratio.effect}, {"low", ratio.low}, {"high", ratio.high}, {"bounded", ratio.bounded}};
}

}  // namespace

Machines compare_machines(const std::vector<ReadResult>& results, const std::string& reference) {
  Machines machines;
  for (const ReadResult& result : results) {
    machines.labels.push_back(result.label);
    machines.rulers.push_back(result.ruler);
    machines.probes.push_back(result.probes);
    if (&result != &results.front()) {
      machines.differences.push_back(differing_facts(results.front().machine, result.machine));
    }
  }
  for (std::size_t group = 0; group < results.front().groups.size(); ++group) {
    GroupOnMachines found = GroupComparer(results, group, reference).compare();
    if (!found.models.empty() || !found.left_out.empty()) machines.groups.push_back(std::move(found));
  }
  return machines;
}

std::string machines_text(const Machines& machines, Format format, bool emphasis, std::size_t width) {
  std::string text =
      "Different machines or builds: their absolute figures are not held against each other. What compares is how far "
      "each model is from a reference model on the same machine.\n";
  for (std::size_t index = 0; index < machines.differences.size(); ++index) {
    if (machines.differences[index].empty()) continue;
    text += fmt::format("{} against {} differs in: {}\n", machines.labels.front(), machines.labels[index + 1],
                        fmt::join(machines.differences[index], "; "));
  }
  text += '\n';
  if (format != Format::markdown) text = wrapped(text, width, 2);
  for (const GroupOnMachines& group : machines.groups)
    text += group_text(group, machines.labels, format, emphasis) + '\n';
  if (machines.groups.empty()) text += "They share no cell that all have figures of.\n\n";
  return text + raw_text(machines, format, emphasis);
}

Json machines_json(const Machines& machines) {
  Json groups = Json::array();
  for (const GroupOnMachines& group : machines.groups) {
    Json models = Json::array();
    for (const ModelOnMachines& model : group.models) {
      Json on = Json::array();
      for (std::size_t machine = 0; machine < machines.labels.size(); ++machine) {
        Json one{{"machine", machines.labels[machine]}};
        if (const auto& ratio = model.over_reference[machine]) {
          one["over_reference"] = ratio_json(*ratio);
          one["place"] = model.places[machine];
        }
        if (const auto& value = model.values[machine]) one["median"] = value->median;
        on.push_back(std::move(one));
      }
      models.push_back(
          {{"name", model.name}, {"model", model.model}, {"metric", model.metric->name}, {"on", std::move(on)}});
    }
    Json crossings = Json::array();
    for (const Crossing& crossing : group.crossings) {
      crossings.push_back({{"less", crossing.less},
                           {"more", crossing.more},
                           {"here", crossing.here},
                           {"there", crossing.there},
                           {"on_here", ratio_json(crossing.on_here)},
                           {"on_there", ratio_json(crossing.on_there)}});
    }
    groups.push_back({{"title", group.title},
                      {"reference", group.reference},
                      {"models", std::move(models)},
                      {"crossings", std::move(crossings)}});
  }
  Json rulers = Json::array();
  for (std::size_t machine = 0; machine < machines.labels.size(); ++machine) {
    Json one = Json::object();
    for (const Reading& reading : readings) one[std::string(reading.key)] = reading.of(machines, machine);
    rulers.push_back(std::move(one));
  }
  return {{"machines", machines.labels},
          {"differences", machines.differences},
          {"rulers", std::move(rulers)},
          {"groups", std::move(groups)}};
}

}  // namespace bench
