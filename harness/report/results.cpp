#include "harness/report/results.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <boost/version.hpp>
#include <cxxopts.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include "harness/report/build_info.h"
#include "harness/report/report_kind.h"
#include "harness/report/result_rows.h"
#include "harness/report/row_parts.h"
#include "measure/affinity.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

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
  for (const std::vector<UnitLimit>* list : {&machine.process_limits, &machine.stack_limits}) {
    for (const UnitLimit& limit : *list) limits.push_back({{"limit", limit.name}, {"room", limit.room}});
  }
  limits.push_back(
      {{"limit", fmt::format("ulimit -n = {}", machine.descriptor_limit)}, {"room", machine.descriptor_limit}});
  return limits;
}

// Of each round of a workload the medians over its runs.
Json ruler_json(const Plan& plan, const Results& results) {
  const std::vector<std::string_view> workloads = workload_names(plan);
  using Key = std::tuple<std::size_t, std::uint32_t, bool>;  // workload, round, after
  std::map<Key, std::vector<Ruler>> rounds;
  for (std::size_t cell = 0; cell < results.cells.size(); ++cell) {
    const std::size_t workload = plan.group_of(plan.cells[cell]).workload;
    for (const Sample& sample : results.cells[cell].samples) {
      rounds[{workload, sample.round, false}].push_back(sample.surroundings.before);
      rounds[{workload, sample.round, true}].push_back(sample.surroundings.after);
    }
  }
  Json readings = Json::array();
  for (const auto& [key, rulers] : rounds) {
    const auto middle = [&readings_of = rulers](double Ruler::*probe) {
      std::vector<double> values;
      for (const Ruler& ruler : readings_of) values.push_back(ruler.*probe);
      return median(values);
    };
    const auto [workload, round, after] = key;
    Json row{{"workload", workloads[workload]}, {"round", round}, {"when", after ? "after" : "before"}};
    row.update(probes_json({.line_trip_ns = middle(&Ruler::line_trip_ns),
                            .spin_ns = middle(&Ruler::spin_ns),
                            .system_call_ns = middle(&Ruler::system_call_ns),
                            .loopback_ns = middle(&Ruler::loopback_ns)}));
    readings.push_back(std::move(row));
  }
  return readings;
}

// How far the ruler's readings spread: half the range from the lower to the upper quartile, as a share of the median.
Json noise_json(const Results& results) {
  const auto spread = [&](double Ruler::*probe) {
    std::vector<double> values;
    for (const CellResult& cell : results.cells) {
      for (const Sample& sample : cell.samples) {
        values.push_back(sample.surroundings.before.*probe);
        values.push_back(sample.surroundings.after.*probe);
      }
    }
    std::ranges::sort(values);
    if (values.size() < 4 || values[values.size() / 2] <= 0) return 0.0;
    return (values[values.size() * 3 / 4] - values[values.size() / 4]) / values[values.size() / 2] / 2 * 100;
  };
  return {{"line_trip_spread_percent", spread(&Ruler::line_trip_ns)},
          {"spin_spread_percent", spread(&Ruler::spin_ns)},
          {"system_call_spread_percent", spread(&Ruler::system_call_ns)},
          {"loopback_spread_percent", spread(&Ruler::loopback_ns)}};
}

Json machine_json(const Machine& machine) {
  Json json{{"kernel", machine.kernel},           {"cpu_model", machine.cpu_model},
            {"cpus_available", available_cpus()}, {"memory_bytes", machine.memory_bytes},
            {"governor", machine.governor},       {"turbo", machine.turbo},
            {"hypervisor", machine.hypervisor},   {"clock_source", machine.clock_source},
            {"limits", limits_json(machine)}};
  if (machine.probes.load_ns > 0) json["load_ns"] = machine.probes.load_ns;
  if (machine.probes.switch_ns > 0) json["switch_ns"] = machine.probes.switch_ns;
  if (const auto& quota = machine.cpu_quota) {
    json["cpu_quota"] = {{"cpus", quota->cpus}, {"limit", quota->name}, {"remedy", quota->remedy}};
  }
  return json;
}

Json libraries_json() {
  return {{"glibc", gnu_get_libc_version()},
          {"boost", fmt::format("{}.{}.{}", BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
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

Json notes_json(const Plan& plan) {
  Json notes = Json::array();
  for (const Cell& cell : plan.cells) {
    if (!cell.note.empty()) notes.push_back({{"name", cell.name}, {"note", cell.note}});
  }
  return notes;
}

// The rate that was found for each group, and the cells that were offered it.
Json common_rates_json(const Plan& plan, const Results& results) {
  Json rates = Json::array();
  for (std::size_t index = 0; index < std::min(plan.groups.size(), results.common_rates.size()); ++index) {
    if (results.common_rates[index] <= 0) continue;
    Json cells = Json::array();
    for (const std::size_t cell : plan.groups[index].cells) cells.push_back(plan.cells[cell].name);
    rates.push_back({{"title", plan.groups[index].title},
                     {"offered_rate_per_second", results.common_rates[index]},
                     {"cells", std::move(cells)}});
  }
  return rates;
}

bool offers(const Plan& plan, RateMode mode) {
  return std::ranges::any_of(plan.groups, [&](const Group& group) { return group.load.mode == mode; });
}

// What all services of the plan have in common.
Json services_json(const Plan& plan, const Results& results) {
  const ServiceOptions& options = plan.services;
  Json services{{"client_threads", options.client.threads},
                {"no_halt", options.no_halt},
                {"connect_deadline_ns", options.client.connect_deadline.count()},
                {"idle_timeout_ns", options.idle_timeout.count()}};
  if (!plan.cpu_split.server.empty()) services["server_cpus"] = plan.cpu_split.server;
  if (!plan.cpu_split.client.empty()) services["client_cpus"] = plan.cpu_split.client;
  if (offers(plan, RateMode::search)) {
    services["slo"] = {{"quantile_percent", options.slo.quantile * 100}, {"limit_ns", options.slo.limit.count()}};
  }
  if (offers(plan, RateMode::common)) services["common_rates"] = common_rates_json(plan, results);
  return services;
}

Json cell_names_json(const Plan& plan, const std::vector<std::size_t>& cells) {
  Json names = Json::array();
  for (const std::size_t cell : cells) names.push_back(plan.cells[cell].name);
  return names;
}

Json labels_json(const Plan& plan, const std::vector<std::size_t>& cells) {
  Json labels = Json::array();
  for (const std::size_t cell : cells) labels.push_back(plan.cells[cell].label);
  return labels;
}

Json ranking_json(const Plan& plan, const Ranking& ranking) {
  Json order = Json::array();
  for (const Place& place : ranking.order) {
    order.push_back({{"name", plan.cells[place.cell].name}});
    if (place.over_first) order.back()["over_first"] = ratio_json(*place.over_first);
  }
  Json ties = Json::array();
  for (const std::vector<std::size_t>& tie : ranking.ties) ties.push_back(cell_names_json(plan, tie));
  Json unranked = Json::array();
  for (const auto& [cell, reason] : ranking.unranked) {
    unranked.push_back({{"name", plan.cells[cell].name}, {"reason", reason}});
  }
  Json json{{"by", ranked_by_name(ranking.by)},
            {"bounded", ranking.bounded},
            {"order", std::move(order)},
            {"best", cell_names_json(plan, ranking.best)}};
  if (ranking.next) json["next"] = plan.cells[ranking.next->cell].name;
  json["ties"] = std::move(ties);
  json["unranked"] = std::move(unranked);
  return json;
}

Json hosts_json(const std::vector<CrewHost>& hosts) {
  Json list = Json::array();
  for (const CrewHost& host : hosts) {
    Json& row = list.emplace_back();
    row = {{"rank", host.rank},
           {"host_name", host.host},
           {"role", host.role},
           {"cpu_model", host.cpu_model},
           {"kernel", host.kernel},
           {"cpus_available", host.cpus},
           {"memory_bytes", host.memory_bytes}};
    if (!host.address.empty()) row["address"] = host.address;
    if (!host.warning.empty()) row["warning"] = host.warning;
  }
  return list;
}

// What is compared with what, and how that came out.
Json groups_json(const Plan& plan, const Results& results, const std::vector<GroupSummary>& summaries) {
  Json groups = Json::array();
  for (const GroupSummary& summary : summaries) {
    const Group& group = plan.groups[summary.group];
    Json json{{"title", group.title},
              {"workload", group.name()},
              {"kind", kind_name(group.kind())},
              {"cells", cell_names_json(plan, group.cells)},
              {"labels", labels_json(plan, group.cells)}};
    // Where no cell was run, no row tells them.
    const std::size_t first = group.cells.front();
    if (group.kind() != Kind::primitive || plan.cells[first].row) {
      const RowSource source{.plan = plan,
                             .results = results,
                             .cell = plan.cells[first],
                             .group = group,
                             .result = results.cells[first],
                             .ideal_ns = 0};
      json["parameters"] = report_kind(group).rows->parameters(source, nullptr);
    }
    if (report_kind(group).has_ranking) json["ranking"] = ranking_json(plan, summary.ranking);
    if (!summary.verdict.empty()) json["verdict"] = summary.verdict;
    json["warnings"] = summary.warnings;
    groups.push_back(std::move(json));
  }
  return groups;
}

Json context_json(const ResultContext& context, const Results& results, const std::vector<GroupSummary>& summaries) {
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
             {"skipped", skipped_json(plan)},
             {"notes", notes_json(plan)},
             {"groups", groups_json(plan, results, summaries)}};
  if (!context.hosts.empty()) bench["hosts"] = hosts_json(context.hosts);
  if (std::ranges::any_of(plan.groups, [](const Group& group) { return group.kind() == Kind::service; })) {
    bench["services"] = services_json(plan, results);
  }
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

}  // namespace

nlohmann::ordered_json make_document(const ResultContext& context, const Results& results) {
  const std::vector<GroupSummary> summaries = summarize(context.plan, results);
  return {{"context", context_json(context, results, summaries)},
          {"benchmarks", result_rows(context.plan, results, summaries)}};
}

std::string iso_time() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}+00:00",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(std::chrono::system_clock::now())));
}

}  // namespace bench
