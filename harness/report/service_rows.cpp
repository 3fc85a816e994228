// What the rows of a service hold that those of a job do not. A request is the operation; times are of requests.
#include <fmt/format.h>

#include <algorithm>

#include "harness/report/row_parts.h"

namespace bench {
namespace {

using Json = nlohmann::ordered_json;

const char* rate_mode_name(RateMode mode) {
  switch (mode) {
    case RateMode::closed: return "closed";
    case RateMode::fixed: return "fixed";
    case RateMode::search: return "search";
    case RateMode::common: break;
  }
  return "common";
}

// What was offered to a sample, or is known before there is one; 0: the closed loop, or not known yet.
double offered_rate(const RowSource& source, const Sample* sample) {
  if (sample) return sample->service->offered_rate;
  const ServiceLoad& load = source.group.load;
  if (load.mode == RateMode::fixed) return load.rate;
  const auto group = source.cell.group;
  return load.mode == RateMode::common && group < source.results.common_rates.size()
             ? source.results.common_rates[group]
             : 0;
}

Json parameters(const RowSource& source, const Sample* sample) {
  const ServiceLoad& load = source.group.load;
  const ClientOptions& client = source.plan.services.client;
  Json parameters{{"connections", load.connections}, {"active", load.active}};
  add_workload_parameters(source.group, parameters);
  parameters["pipeline"] = load.pipeline;
  parameters["requests_per_connection"] = client.requests_per_connection;
  parameters["service_cpu_ns"] = load.service_cpu.count();
  parameters["service_compute_steps"] = load.parameters.compute_steps;
  parameters["service_wait_ns"] = load.parameters.wait.count();
  parameters["heavy_percent"] = load.parameters.heavy_share * 100;
  parameters["loop"] = load.mode == RateMode::closed ? "closed" : "open";
  if (load.mode != RateMode::closed) {
    parameters["rate_mode"] = rate_mode_name(load.mode);
    if (const double rate = offered_rate(source, sample); rate > 0) parameters["offered_rate_per_second"] = rate;
    parameters["arrivals"] = client.arrivals == Arrivals::poisson ? "poisson" : "constant";
    parameters["dispatch"] = client.dispatch == Dispatch::any ? "any" : "each";
  }
  const double rate = offered_rate(source, sample);
  parameters["duration_ns"] = sample ? sample->service->load.wall_ns : window_of(load, client, rate).count();
  parameters["warmup_ns"] = warm_up_of(load, client, rate).count();
  if (source.group.foreign) parameters["target"] = source.group.foreign->target.text;
  const CpuSplit& cpus = source.plan.cpu_split;
  if (!cpus.server.empty()) parameters["server_cpus"] = cpus.server;
  if (!cpus.client.empty()) parameters["client_cpus"] = cpus.client;
  parameters["client_threads"] = client.threads;
  add_model_parameters(source.cell, parameters);
  return parameters;
}

Json errors_json(const LoadErrorCounts& errors) {
  Json counts = Json::object();
  for (std::size_t kind = 0; kind < errors.size(); ++kind) {
    counts[std::string(name_of(static_cast<LoadError>(kind)))] = errors[kind];
  }
  return counts;
}

// The neighbours are there where such rates were tried.
Json knee_json(const Knee& knee) {
  Json json{{"rate_per_second", knee.rate}, {"tries", knee.tries}, {"unknown_tries", knee.unknown_tries}};
  if (knee.rate > 0) json["requests"] = knee.requests;
  if (!knee.why_not_found.empty()) json["why_not_found"] = knee.why_not_found;
  if (knee.above_rate > 0) {
    json["above_rate_per_second"] = knee.above_rate;
    json["above_quantile_ns"] = knee.above_quantile_ns;
    json["above_why"] = knee.above_why;
  }
  if (knee.below_rate > 0) {
    json["below_rate_per_second"] = knee.below_rate;
    json["below_quantile_ns"] = knee.below_quantile_ns;
  }
  return json;
}

// A class without a request has no latency.
Json classes_json(const Service& service, const std::vector<ClassSample>& classes) {
  Json rows = Json::array();
  for (std::size_t index = 0; index < classes.size(); ++index) {
    const auto& [counts, latency_ns] = classes[index];
    Json& row = rows.emplace_back();
    row["name"] = service.classes[index].name;
    row["requests_completed"] = counts.completed;
    row["requests_drained"] = counts.drained;
    row["requests_unfinished"] = counts.unfinished;
    row["requests_failed"] = counts.failed;
    if (latency_ns.back() > 0) add_percentiles(row, "latency", latency_ns);
  }
  return rows;
}

Json classes_json(const Service& service, const std::vector<ClassSummary>& classes) {
  Json rows = Json::array();
  for (std::size_t index = 0; index < classes.size(); ++index) {
    const ClassSummary& summary = classes[index];
    Json& row = rows.emplace_back();
    row["name"] = service.classes[index].name;
    row["requests_unfinished"] = summary.unfinished;
    row["requests_failed"] = summary.failed;
    if (summary.latency_p99_ns.median > 0) row["latency_p99_ns"] = summary.latency_p99_ns.median;
    if (service.classes[index].asked_by == AskedBy::nobody) row["messages_per_second"] = summary.rate.median;
  }
  return rows;
}

// Of a sample or of a median of samples; per request.
struct ServerCosts {
  double busy = 0;  // share of the CPUs
  double cpu_ns = 0;
  double voluntary_switches = 0;
  double involuntary_switches = 0;
  double minor_faults = 0;
  double major_faults = 0;
};

template <typename Service>
void fill_costs(const RowSource& source, const Service& service, const ServerCosts& costs, Json& bench) {
  if (!service.server_cpu_unknown.empty()) bench["server_cpu_unknown"] = service.server_cpu_unknown;
  if (!knows_costs(source.group, service)) return;
  bench["server_cpu_ns_per_request"] = costs.cpu_ns;
  bench["server_cpu_percent"] = costs.busy * 100;
  if (knows_switches(source.group, service)) {
    bench["voluntary_switches_per_request"] = costs.voluntary_switches;
    bench["involuntary_switches_per_request"] = costs.involuntary_switches;
  }
  bench["minor_faults_per_request"] = costs.minor_faults;
  bench["major_faults_per_request"] = costs.major_faults;
}

Json generators_json(const std::vector<GeneratorFindings>& generators) {
  Json rows = Json::array();
  for (const GeneratorFindings& generator : generators) {
    Json& row = rows.emplace_back();
    row = {{"rank", generator.rank},
           {"host_name", generator.host},
           {"requests_completed", generator.requests_completed},
           {"items_per_second", generator.rate},
           {"latency_p50_ns", generator.latency_p50_ns},
           {"latency_p99_ns", generator.latency_p99_ns},
           {"cpu_percent", generator.busy * 100},
           {"idle_percent", std::max(generator.idle, 0.0) * 100},
           {"kept_off_percent", generator.kept_off * 100},
           {"littles_law_ratio", generator.littles_law_ratio},
           {"limit", generator.limit}};
    if (generator.why_invalid[0] != '\0') row["invalid_reason"] = generator.why_invalid;
  }
  return rows;
}

void fill_load(const ServiceSample& service, Json& bench) {
  const LoadCounts& load = service.load;
  bench["window_ns"] = load.wall_ns;
  bench["requests_completed"] = load.requests_completed;
  bench["requests_drained"] = load.requests_drained;
  bench["requests_unfinished"] = load.requests_unfinished;
  bench["requests_failed"] = load.requests_failed;
  bench["requests_timed_out"] = load.requests_timed_out;
  bench["replies_by_slice"] = load.replies_by_slice;
  bench["backlog_at_end"] = load.backlog_at_end;
  bench["received_bytes"] = load.received_bytes;
  bench["sent_bytes"] = load.sent_bytes;
  bench["connections_asked"] = load.connections_asked;
  bench["connections_established"] = load.connections_established;
  bench["connections_begun"] = load.connections_begun;
  bench["connect_phase_ns"] = load.connect_phase_ns;
  bench["connections_active"] = load.active_asked;
  bench["connections_due"] = load.active_due();
  bench["connections_served"] = load.active_served;
  bench["reconnects"] = load.reconnects;
  if (load.messages_pushed != 0) bench["messages_pushed"] = load.messages_pushed;
  bench["idle_closes"] = load.idle_closes;
  bench["fairness"] = load.fairness();
  bench["errors"] = errors_json(load.errors);
  if (!service.error_text.empty()) bench["error_text"] = service.error_text;
}

void fill_sample(const RowSource& source, const Sample& sample, Json& row, Json& bench) {
  const ServiceSample& service = *sample.service;
  const LoadCounts& load = service.load;
  row["iterations"] = load.requests_completed;
  row["items_per_second"] = service.rate;
  bench["limit"] = limit_name(service.judgement.limit);
  if (sample.ideal_cpu_ns > 0) bench["ideal_ns"] = sample.ideal_cpu_ns;
  fill_costs(source, service,
             {.busy = service.server_busy,
              .cpu_ns = sample.cpu_ns,
              .voluntary_switches = sample.voluntary_switches,
              .involuntary_switches = sample.involuntary_switches,
              .minor_faults = sample.minor_faults,
              .major_faults = sample.major_faults},
             bench);
  bench["generator_cpu_percent"] = service.generator_busy * 100;
  bench["generator_cpu_ns"] = load.cpu_ns;
  bench["generator_kept_off_percent"] = service.generator_kept_off * 100;
  bench["generator_longest_absence_ns"] = load.longest_absence_ns;
  bench["generator_idle_percent"] = std::max(service.generator_idle, 0.0) * 100;
  bench["littles_law_ratio"] = service.littles_law_ratio;
  bench["send_lag_p99_ns"] = service.send_lag_p99_ns;
  bench["connect_p99_ns"] = service.connect_p99_ns;
  fill_load(service, bench);
  if (!service.generators.empty()) bench["generators"] = generators_json(service.generators);
  if (!source.group.foreign) {
    bench["server_accepted"] = service.accepted;
    bench["server_refused"] = service.refused;
    bench["server_timed_out"] = service.timed_out;
    bench["server_open_peak"] = service.open_peak;
    bench["units_peak"] = sample.units_peak;
  }
  if (!service.classes.empty()) bench["classes"] = classes_json(*source.group.service, service.classes);
  if (service.knee) bench["knee"] = knee_json(*service.knee);
}

Knee read_knee(const JsonPlace& place) {
  const auto text_at = [&](const char* key) {
    const auto found = place.find(key);
    return found ? found->text() : std::string();
  };
  return {.rate = place.at("rate_per_second").number(),
          .above_rate = number_at(place, "above_rate_per_second"),
          .above_quantile_ns = number_at(place, "above_quantile_ns"),
          .above_why = text_at("above_why"),
          .below_rate = number_at(place, "below_rate_per_second"),
          .below_quantile_ns = number_at(place, "below_quantile_ns"),
          .tries = static_cast<std::uint32_t>(place.at("tries").count()),
          .unknown_tries = static_cast<std::uint32_t>(number_at(place, "unknown_tries")),
          .requests = static_cast<std::uint64_t>(number_at(place, "requests")),
          .why_not_found = text_at("why_not_found")};
}

std::vector<ClassSample> read_classes(const JsonPlace& place) {
  std::vector<ClassSample> classes;
  for (const JsonPlace& row : place.elements()) {
    ClassSample& each = classes.emplace_back();
    each.counts = {.completed = row.at("requests_completed").count(),
                   .drained = row.at("requests_drained").count(),
                   .unfinished = row.at("requests_unfinished").count(),
                   .failed = row.at("requests_failed").count()};
    if (row.find("latency_p99_ns")) each.latency_ns = read_percentiles(row, "latency");
  }
  return classes;
}

void read_load(const JsonPlace& bench, LoadCounts& load) {
  load.wall_ns = static_cast<std::int64_t>(bench.at("window_ns").count());
  load.requests_completed = bench.at("requests_completed").count();
  load.requests_drained = bench.at("requests_drained").count();
  load.requests_unfinished = bench.at("requests_unfinished").count();
  load.requests_failed = bench.at("requests_failed").count();
  load.requests_timed_out = static_cast<std::uint64_t>(number_at(bench, "requests_timed_out"));
  load.connections_asked = bench.at("connections_asked").count();
  load.connections_established = bench.at("connections_established").count();
  load.connect_phase_ns = static_cast<std::int64_t>(number_at(bench, "connect_phase_ns"));
  load.cpu_ns = static_cast<std::int64_t>(number_at(bench, "generator_cpu_ns"));
  load.received_bytes = static_cast<std::uint64_t>(number_at(bench, "received_bytes"));
  load.sent_bytes = static_cast<std::uint64_t>(number_at(bench, "sent_bytes"));
  load.active_asked = bench.at("connections_active").count();
  load.active_served = bench.at("connections_served").count();
  for (std::size_t kind = 0; kind < load.errors.size(); ++kind) {
    load.errors[kind] =
        static_cast<std::uint64_t>(number_at(bench.at("errors"), std::string(name_of(static_cast<LoadError>(kind)))));
  }
  // Sums that have this fairness.
  const double fairness = bench.at("fairness").number();
  load.active_established = load.active_asked;
  load.replies_per_connection_sum = static_cast<double>(load.requests_answered());
  if (fairness > 0) {
    load.replies_per_connection_squares = load.replies_per_connection_sum * load.replies_per_connection_sum /
                                          (fairness * static_cast<double>(load.active_established));
  }
}

Limit limit_of(const JsonPlace& place) {
  const std::string name = place.text();
  for (const Limit limit : every_limit) {
    if (limit_name(limit) == name) return limit;
  }
  place.refuse(fmt::format("there is no limit '{}'", name));
}

void read_sample(const JsonPlace& row, const Group& /*group*/, Sample& sample) {
  const JsonPlace bench = row.at("bench");
  const auto text_at = [&](const char* key) {
    const auto found = bench.find(key);
    return found ? found->text() : std::string();
  };
  sample.ideal_cpu_ns = number_at(bench, "ideal_ns");
  sample.voluntary_switches = number_at(bench, "voluntary_switches_per_request");
  sample.involuntary_switches = number_at(bench, "involuntary_switches_per_request");
  sample.minor_faults = number_at(bench, "minor_faults_per_request");
  sample.major_faults = number_at(bench, "major_faults_per_request");
  sample.units_peak = static_cast<std::int32_t>(number_at(bench, "units_peak"));
  ServiceSample& service = sample.service.emplace();
  read_load(bench, service.load);
  service.offered_rate = number_at(bench.at("parameters"), "offered_rate_per_second");
  service.rate = row.at("items_per_second").number();
  service.judgement.limit = limit_of(bench.at("limit"));
  service.judgement.why_invalid = text_at("invalid_reason");
  service.littles_law_ratio = bench.at("littles_law_ratio").number();
  service.server_busy = number_at(bench, "server_cpu_percent") / 100;
  service.generator_busy = bench.at("generator_cpu_percent").number() / 100;
  service.generator_kept_off = number_at(bench, "generator_kept_off_percent") / 100;
  service.send_lag_p99_ns = bench.at("send_lag_p99_ns").number();
  service.refused = static_cast<std::uint64_t>(number_at(bench, "server_refused"));
  service.error_text = text_at("error_text");
  service.server_cpu_unknown = text_at("server_cpu_unknown");
  service.server_switches_unknown =
      bench.find("server_cpu_ns_per_request") && !bench.find("voluntary_switches_per_request");
  if (const auto classes = bench.find("classes")) service.classes = read_classes(*classes);
  if (const auto knee = bench.find("knee")) service.knee = read_knee(*knee);
}

RateMode rate_mode_of(const JsonPlace& parameters) {
  const auto place = parameters.find("rate_mode");
  if (!place) return RateMode::closed;
  const std::string name = place->text();
  for (const RateMode mode : {RateMode::fixed, RateMode::search, RateMode::common}) {
    if (rate_mode_name(mode) == name) return mode;
  }
  place->refuse(fmt::format("there is no such mode '{}'", name));
}

void read_group(const JsonPlace& parameters, Group& group) {
  ServiceLoad& load = group.load;
  load.parameters = service_parameters_of(group.parameters);
  load.parameters.compute_steps = parameters.at("service_compute_steps").count();
  load.parameters.wait = std::chrono::nanoseconds(parameters.at("service_wait_ns").count());
  load.parameters.heavy_share = parameters.at("heavy_percent").number() / 100;
  load.connections = static_cast<std::uint32_t>(parameters.at("connections").count());
  load.active = static_cast<std::uint32_t>(parameters.at("active").count());
  load.pipeline = static_cast<std::uint32_t>(parameters.at("pipeline").count());
  load.service_cpu = std::chrono::nanoseconds(parameters.at("service_cpu_ns").count());
  load.mode = rate_mode_of(parameters);
  if (load.mode == RateMode::fixed) load.rate = number_at(parameters, "offered_rate_per_second");
  group.cpus = 1;
  if (const auto target = parameters.find("target")) {
    group.foreign.emplace();
    group.foreign->target.text = target->text();
  } else if (const auto cpus = parameters.find("server_cpus")) {
    group.cpus = static_cast<std::uint32_t>(cpus->elements().size());
  }
}

void read_cell(const JsonPlace& /*parameters*/, const Group& /*group*/, Cell& /*cell*/) {}

void read_median(const JsonPlace& bench, CellResult& result) {
  if (!bench.find("user_bytes_per_connection")) return;
  result.memory = {.user_bytes = bench.at("user_bytes_per_connection").number(),
                   .kernel_bytes = bench.at("kernel_bytes_per_connection").number()};
}

void fill_median(const RowSource& source, const CellSummary& summary, Json& row, Json& bench) {
  const ServiceSummary& service = *summary.service;
  row["items_per_second"] = service.rate.median;
  bench["rate_interval_per_second"] = interval_json(service.rate);
  if (service.offered_rate.median > 0) bench["offered_rate_per_second"] = service.offered_rate.median;
  bench["limit"] = limit_name(service.limit);
  if (source.ideal_ns > 0) bench["ideal_ns"] = source.ideal_ns;
  fill_costs(source, service,
             {.busy = service.server_busy.median,
              .cpu_ns = summary.cpu_ns.median,
              .voluntary_switches = summary.voluntary_switches.median,
              .involuntary_switches = summary.involuntary_switches.median,
              .minor_faults = summary.minor_faults.median,
              .major_faults = summary.major_faults.median},
             bench);
  if (!source.group.foreign) bench["units_peak"] = summary.units_peak.median;
  bench["generator_cpu_percent"] = service.generator_busy.median * 100;
  bench["littles_law_ratio"] = service.littles_law_ratio.median;
  bench["send_lag_p99_ns"] = service.send_lag_p99_ns.median;
  bench["fairness"] = service.fairness.median;
  bench["connections_asked"] = service.connections_asked;
  bench["connections_established"] = service.connections_established;
  bench["connections_per_second"] = service.establishment_rate.median;
  bench["connections_active"] = service.active_asked;
  bench["connections_due"] = service.active_due;
  bench["connections_served"] = service.connections_served;
  bench["requests_unfinished"] = service.requests_unfinished;
  bench["requests_failed"] = service.requests_failed;
  bench["errors"] = errors_json(service.errors);
  if (!service.error_text.empty()) bench["error_text"] = service.error_text;
  if (!service.classes.empty()) bench["classes"] = classes_json(*source.group.service, service.classes);
  if (const auto& memory = source.result.memory) {
    bench["user_bytes_per_connection"] = memory->user_bytes;
    bench["kernel_bytes_per_connection"] = memory->kernel_bytes;
  }
  if (service.knee) {
    bench["knee_rate_per_second"] = service.knee_rate->median;
    bench["knee_rate_interval_per_second"] = interval_json(*service.knee_rate);
    bench["knee"] = knee_json(*service.knee);
  }
}

void fill_percentile(const RowSource& /*source*/, const CellSummary& summary, std::size_t which, Json& bench) {
  bench["limit"] = limit_name(summary.service->limit);
  if (is_lower_bound(*summary.service, shown_percentiles[which])) bench["is_lower_bound"] = true;
}

}  // namespace

const RowParts service_row_parts{.has_latency = true,
                                 .parameters = parameters,
                                 .sample = fill_sample,
                                 .read_sample = read_sample,
                                 .read_group = read_group,
                                 .read_cell = read_cell,
                                 .read_median = read_median,
                                 .median = fill_median,
                                 .percentile = fill_percentile};

}  // namespace bench
