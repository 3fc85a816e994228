// Command lines as a test writes them, and what is made of them.
#pragma once

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "harness/app/own_tables.h"
#include "harness/options/flags.h"
#include "harness/options/options.h"
#include "harness/plan/plan.h"

namespace bench {

/// The options of `bench ARGUMENTS…`; throws UsageError.
inline Options parse(const std::vector<std::string>& arguments, const Tables& tables = own_tables()) {
  std::vector<const char*> pointers{"bench"};
  for (const std::string& argument : arguments) pointers.push_back(argument.c_str());
  return parse_options(tables, static_cast<int>(pointers.size()), pointers.data());
}

/// What is said about a command line that is refused; "(accepted)" when it is not.
inline std::string refusal(const std::vector<std::string>& arguments, const Tables& tables = own_tables()) {
  try {
    parse(arguments, tables);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "(accepted)";
}

/// A command line that is refused, and words of what is said about it.
struct Refusal {
  std::vector<std::string> arguments;  // after the part that all have in common
  std::vector<std::string> words;
};

/// Each of them is refused in one line, with its words.
inline void expect_refusals(const std::vector<std::string>& common, const std::vector<Refusal>& refusals) {
  for (const Refusal& refused : refusals) {
    std::vector<std::string> arguments = common;
    arguments.insert(arguments.end(), refused.arguments.begin(), refused.arguments.end());
    const std::string line = testing::PrintToString(arguments);
    const std::string said = refusal(arguments);
    for (const std::string& words : refused.words) EXPECT_THAT(said, testing::HasSubstr(words)) << line;
    EXPECT_THAT(said, testing::Not(testing::AnyOf(testing::HasSubstr("\n"), testing::HasSubstr("(accepted)")))) << line;
  }
}

/// The names of rows of a table.
template <typename Row>
std::vector<std::string> names(const std::vector<const Row*>& rows) {
  std::vector<std::string> found;
  for (const Row* row : rows) found.emplace_back(row->name);
  return found;
}

/// The names of a plan's cells.
inline std::vector<std::string> names(const Plan& plan) {
  std::vector<std::string> found;
  for (const Cell& cell : plan.cells) found.push_back(cell.name);
  return found;
}

}  // namespace bench
