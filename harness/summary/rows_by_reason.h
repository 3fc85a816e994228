// Rows of a table that a sentence names together.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// Names of rows by the reason that they share, in the order of the first of each.
class RowsByReason {
 public:
  using Groups = std::vector<std::pair<std::string, std::vector<std::string>>>;

  void add(std::string_view reason, std::string row) {
    const auto found = std::ranges::find(groups_, reason, &Groups::value_type::first);
    if (found != groups_.end()) {
      found->second.push_back(std::move(row));
    } else {
      groups_.push_back({std::string(reason), {std::move(row)}});
    }
  }

  const Groups& groups() const noexcept { return groups_; }

 private:
  Groups groups_;
};

}  // namespace bench
