// Result files put together by hand, as small as the program writes them.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace bench {

/// A document of one machine, to which cells are added.
class ResultDocument {
 public:
  ResultDocument();

  /// A cell of a job with these times of a batch, in ns, one a round.
  ResultDocument& job(const std::string& name, const std::vector<double>& times_ns);

  /// A cell of a service at an offered rate, with this CPU time of a request, in ns, one a round.
  ResultDocument& service(const std::string& name, const std::vector<double>& cpu_ns);

  /// A cell of a service in the closed loop, with these rates, one a round.
  ResultDocument& closed_loop(const std::string& name, const std::vector<double>& rates);

  /// A cell that failed.
  ResultDocument& failed(const std::string& name, const std::string& why);

  /// The same in every row of the cell.
  ResultDocument& set_of(const std::string& name, const std::string& key, const nlohmann::json& value);

  nlohmann::json& machine() { return document["context"]["bench"]["machine"]; }
  std::string text() const { return document.dump(); }

  nlohmann::json document;

 private:
  nlohmann::json& group(const std::string& kind, const std::string& ranked_by, const std::string& name);
  nlohmann::json& run(const std::string& name, std::size_t round);
};

}  // namespace bench
