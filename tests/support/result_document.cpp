#include "tests/support/result_document.h"

#include <fmt/format.h>

#include <algorithm>

namespace bench {
namespace {

using Json = nlohmann::json;

// "io" of "io/threads/tasks:100"
std::string part(const std::string& name, std::size_t index) {
  std::size_t begin = 0;
  for (; index > 0; --index) begin = name.find('/', begin) + 1;
  return name.substr(begin, name.find('/', begin) - begin);
}

}  // namespace

ResultDocument::ResultDocument() {
  document["context"] = {{"date", "2026-01-31T12:00:00+00:00"},
                         {"host_name", "here"},
                         {"bench",
                          {{"schema_version", 2},
                           {"git_revision", "0123456789"},
                           {"compiler", "GNU 12.2.0"},
                           {"flags", "-O2"},
                           {"machine",
                            {{"cpu_model", "a CPU"},
                             {"cpus_available", 2},
                             {"kernel", "Linux 6.1"},
                             {"governor", "performance"},
                             {"hypervisor", "none"}}},
                           {"groups", Json::array()}}}};
  document["benchmarks"] = Json::array();
}

ResultDocument& ResultDocument::job(const std::string& name, const std::vector<double>& times_ns) {
  group("job", "time", name);
  for (std::size_t round = 0; round < times_ns.size(); ++round) {
    Json& row = run(name, round);
    row["real_time"] = times_ns[round];
    row["cpu_time"] = times_ns[round] / 2;
  }
  return *this;
}

ResultDocument& ResultDocument::service(const std::string& name, const std::vector<double>& cpu_ns) {
  group("service", "server_cpu_per_request", name);
  for (std::size_t round = 0; round < cpu_ns.size(); ++round) {
    Json& row = run(name, round);
    row["cpu_time"] = cpu_ns[round];
    row["bench"]["limit"] = "rate";
    row["bench"]["server_cpu_ns_per_request"] = cpu_ns[round];
    row["bench"]["latency_p99_ns"] = 10 * cpu_ns[round];
    row["bench"]["parameters"]["offered_rate_per_second"] = 30000;
  }
  return *this;
}

ResultDocument& ResultDocument::closed_loop(const std::string& name, const std::vector<double>& rates) {
  group("service", "rate", name);
  for (std::size_t round = 0; round < rates.size(); ++round) {
    Json& row = run(name, round);
    row["items_per_second"] = rates[round];
    row["bench"]["limit"] = "server";
  }
  return *this;
}

ResultDocument& ResultDocument::failed(const std::string& name, const std::string& why) {
  group("job", "time", name);
  Json& row = run(name, 0);
  row["error_occurred"] = true;
  row["error_message"] = why;
  return *this;
}

ResultDocument& ResultDocument::set_of(const std::string& name, const std::string& key, const Json& value) {
  for (Json& row : document["benchmarks"]) {
    if (row["run_name"] == name) row[Json::json_pointer(key)] = value;
  }
  return *this;
}

// That of the workload; cells of one workload are compared with each other.
Json& ResultDocument::group(const std::string& kind, const std::string& ranked_by, const std::string& name) {
  Json& groups = document["context"]["bench"]["groups"];
  const auto found = std::ranges::find_if(groups, [&](const Json& each) { return each["workload"] == part(name, 0); });
  if (found == groups.end()) {
    groups.push_back({{"title", part(name, 0)},
                      {"workload", part(name, 0)},
                      {"kind", kind},
                      {"ranking", {{"by", ranked_by}}},
                      {"cells", Json::array({name})}});
    return groups.back();
  }
  (*found)["cells"].push_back(name);
  return *found;
}

Json& ResultDocument::run(const std::string& name, std::size_t round) {
  document["benchmarks"].push_back({{"name", name},
                                    {"run_name", name},
                                    {"run_type", "iteration"},
                                    {"real_time", 1.0},
                                    {"cpu_time", 1.0},
                                    {"time_unit", "ns"},
                                    {"items_per_second", 1.0},
                                    {"bench",
                                     {{"workload", part(name, 0)},
                                      {"model", part(name, 1)},
                                      {"parameters", Json::object()},
                                      {"round", round},
                                      {"valid", true}}}});
  return document["benchmarks"].back();
}

}  // namespace bench
