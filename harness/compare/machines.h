// Results of different machines side by side. Their absolute figures are not held against each other: what compares is
// how far each model is from a reference model on the same machine.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "harness/compare/read_result.h"
#include "harness/options/options.h"
#include "harness/summary/statistics.h"
#include "harness/text/table.h"

namespace bench {

/// One model of a group on every machine. Less is better.
struct ModelOnMachines {
  std::string name;  ///< Of its cells.
  std::string model;
  std::string label;  ///< In its group.
  const Metric* metric = nullptr;
  std::vector<std::optional<Ratio>> over_reference{};  ///< Its cost over the reference's, within rounds, by machine.
  std::vector<std::size_t> places{};                   ///< From 1; 0 where it has no ratio.
  std::vector<std::optional<Estimate>> values{};       ///< The raw figure.
};

/// Two models whose order is told apart on two machines, the one way round here and the other there.
struct Crossing {
  std::string less;  ///< Costs less on the first of these machines,
  std::string more;  ///< than this one, and more on the second.
  std::string here;
  std::string there;
  Ratio on_here{};
  Ratio on_there{};
};

struct GroupOnMachines {
  std::string title;
  std::string reference;  ///< The model that the others are held against; empty where the machines share none.
  std::vector<ModelOnMachines> models;
  std::vector<Crossing> crossings;
  std::vector<std::string> left_out;  ///< Cells that the machines were told otherwise, with what differs.
};

struct Machines {
  std::vector<std::string> labels;
  std::vector<std::vector<std::string>> differences;  ///< Of each machine but the first: what differs from the first.
  std::vector<Ruler> rulers;
  std::vector<MachineProbes> probes;
  std::vector<GroupOnMachines> groups;  ///< Those that all share a cell of.
};

/// `reference` is a model's name; empty: serial for jobs, threads for services, in each case the first model there is
/// where that was not measured.
Machines compare_machines(const std::vector<ReadResult>& results, const std::string& reference);

/// For a console or as Markdown.
std::string machines_text(const Machines& machines, Format format, bool emphasis, std::size_t width = any_width);

nlohmann::ordered_json machines_json(const Machines& machines);

}  // namespace bench
