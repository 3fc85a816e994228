#include "harness/options/choose.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "harness/options/flags.h"
#include "harness/text/suggest.h"
#include "models/hybrid.h"

namespace bench {
namespace {

template <typename Row>
bool is_named(const Row& row, std::string_view word) {
  return word == row.name;
}

template <>
bool is_named(const Model& model, std::string_view word) {
  return word == model.name || std::ranges::find(aliases_of(model), word) != aliases_of(model).end();
}

// Adds the rows that `word` names to those chosen; false when it names none.
template <typename Row>
bool choose(RowList<Row> rows, std::string_view word, std::vector<const Row*>& chosen) {
  bool found = false;
  for (const Row& row : rows) {
    if (word != "all" && !is_named(row, word)) continue;
    if (std::ranges::find(chosen, &row) == chosen.end()) chosen.push_back(&row);
    found = true;
  }
  return found;
}

constexpr std::string_view every_primitive = "primitives";

// `all` means jobs and services: the primitives would be most of such a plan and none of its question.
bool choose_primitives(RowList<Primitive> rows, std::string_view word, std::vector<const Primitive*>& chosen) {
  if (word == "all") return false;
  return choose(rows, word == every_primitive ? "all" : word, chosen);
}

[[noreturn]] void unknown_name_error(std::string_view flag, std::string_view list, std::string_view word,
                                     std::span<const std::string_view> names) {
  const std::string suggestion = did_you_mean(word, names);
  throw UsageError(fmt::format("--{}={}: unknown {} '{}'{} `bench list` names them all", flag, list, flag, word,
                               suggestion.empty() ? ";" : suggestion));
}

[[noreturn]] void unknown_model_error(const Tables& tables, std::string_view list, std::string_view word) {
  std::vector<std::string_view> names{"all"};
  for (const RowList<Model> table : {tables.models, tables.references}) {
    for (const Model& model : table) {
      names.push_back(model.name);
      std::ranges::copy(aliases_of(model), std::back_inserter(names));
    }
  }
  unknown_name_error("model", list, word, names);
}

// The row that `word` names; null without one.
const Model* find_model(const Tables& tables, std::string_view word) {
  for (const RowList<Model> table : {tables.models, tables.references}) {
    for (const Model& model : table) {
      if (is_named(model, word)) return &model;
    }
  }
  return nullptr;
}

// The hybrid that `word` names, OUTER+INNER or OUTER+MIDDLE+INNER and so on.
const Model& choose_hybrid(const Tables& tables, const std::string& list, const std::string& word) {
  const Model* hybrid = nullptr;
  std::vector<std::string> parts = split(word, '+');
  std::ranges::reverse(parts);
  for (const std::string& part : parts) {
    if (part == "all") throw UsageError(fmt::format("--model={}: a hybrid is of models, one by one; not of all", list));
    const Model* named = find_model(tables, part);
    if (!named) unknown_model_error(tables, list, part);
    if (!hybrid) {
      hybrid = named;
      continue;
    }
    if (const std::string why = why_no_hybrid(*named, *hybrid); !why.empty()) {
      throw UsageError(list == word ? fmt::format("--model={}: {}", list, why)
                                    : fmt::format("--model={}: {}: {}", list, word, why));
    }
    hybrid = &hybrid_of(*named, *hybrid);
  }
  return *hybrid;
}

}  // namespace

std::vector<const Model*> choose_models(const Tables& tables, const std::string& list) {
  std::vector<const Model*> chosen;
  for (const std::string& word : split(list, ',')) {
    if (choose(tables.models, word, chosen)) continue;
    if (word != "all" && choose(tables.references, word, chosen)) continue;
    if (word.find('+') == std::string::npos) unknown_model_error(tables, list, word);
    const Model& hybrid = choose_hybrid(tables, list, word);
    if (std::ranges::find(chosen, hybrid.name, &Model::name) == chosen.end()) chosen.push_back(&hybrid);
  }
  return chosen;
}

ChosenWorkloads choose_workloads(const Tables& tables, const std::string& list) {
  ChosenWorkloads chosen;
  for (const std::string& word : split(list, ',')) {
    const bool job = choose(tables.jobs, word, chosen.jobs);
    const bool service = choose(tables.services, word, chosen.services);
    const bool primitive = choose_primitives(tables.primitives, word, chosen.primitives);
    if (job || service || primitive) continue;
    std::vector<std::string_view> names{"all", every_primitive};
    for (const Primitive& row : tables.primitives) names.push_back(row.name);
    for (const Job& row : tables.jobs) names.push_back(row.name);
    for (const Service& row : tables.services) names.push_back(row.name);
    unknown_name_error("workload", list, word, names);
  }
  return chosen;
}

void not_taken_error(std::string_view flag, const std::vector<std::string_view>& takers) {
  throw UsageError(fmt::format("--{}: none of the chosen workloads takes it{}{} {}", flag, takers.empty() ? "" : "; ",
                               fmt::join(takers, ", "), takers.size() == 1 ? "does" : "do"));
}

void check_models_measured(const std::vector<const Model*>& models, const std::vector<const Primitive*>& primitives) {
  for (const Model* model : models) {
    const auto measures = [&](const Primitive* primitive) { return has_row(*primitive, model->name); };
    if (std::ranges::any_of(primitives, measures)) continue;
    throw UsageError(fmt::format("--model={}: {}", model->name, why_no_row(*primitives.front())));
  }
}

void check_workers_taken(const std::vector<const Model*>& models, bool given) {
  if (!given || std::ranges::any_of(models, [](const Model* model) { return takes_workers(*model); })) return;
  throw UsageError("--workers: none of the chosen models takes it; the pools and hybrids do");
}

void check_stack_taken(const std::vector<const Model*>& models, bool given) {
  const auto has_stacks = [](const Model* model) { return model->unit == UnitKind::fiber; };
  if (!given || std::ranges::any_of(models, has_stacks)) return;
  throw UsageError("--stack: none of the chosen models takes it; fibers and boost-fiber do");
}

}  // namespace bench
