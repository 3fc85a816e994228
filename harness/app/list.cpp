#include "harness/app/list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/options/suites.h"

namespace bench {
namespace {

std::string list_of(RowList<Model> models) {
  std::string text;
  for (const Model& model : models) {
    text += fmt::format("  {:<19}{}\n", model.name, model.summary);
    if (!aliases_of(model).empty()) text += fmt::format("  {:<19}  also: {}\n", "", fmt::join(aliases_of(model), ", "));
    const std::string why = model.why_unavailable ? model.why_unavailable() : "";
    if (!why.empty()) text += fmt::format("  {:<19}  not available here: {}\n", "", why);
    const std::string note = model.note ? model.note() : "";
    if (!note.empty()) text += fmt::format("  {:<19}  here it {}\n", "", note);
  }
  return text;
}

// A job, a service or a primitive.
template <typename Row>
std::string list_of(const Row& workload) {
  std::string text = fmt::format("  {:<19}{}\n", workload.name, workload.summary);
  if (workload.parameters.empty()) return text;
  text += fmt::format("  {:<19}  default:", "");
  for (const Parameter& row : workload.parameters) text += fmt::format(" --{}={}", row.name, row.standard);
  return text + '\n';
}

bool all_available(RowList<Model> models) {
  return std::ranges::all_of(models, [](const Model& model) {
    return (!model.why_unavailable || model.why_unavailable().empty()) && (!model.note || model.note().empty());
  });
}

}  // namespace

std::string list_text(const Tables& tables) {
  std::string text = "Models:\n" + list_of(tables.models);
  text +=
      "  OUTER+INNER        hybrids: N copies of any model in processes (processes+epoll) or threads "
      "(threads+coroutines),\n"
      "                  nested too (processes+threads+coroutines); --workers=N, by default the CPUs\n";
  if (!tables.references.empty()) {
    text += "\nReference runtimes, by name only (--model=all leaves them out):\n" + list_of(tables.references);
  }
  text += "\nJobs:\n";
  for (const Job& job : tables.jobs) text += list_of(job);
  text += "\nServices:\n";
  for (const Service& service : tables.services) text += list_of(service);
  text += "\nPrimitives:\n";
  for (const Primitive& primitive : tables.primitives) text += list_of(primitive);
  text += "\nSuites:\n";
  for (const Suite& suite : all_suites()) text += fmt::format("  {:<19}{}\n", suite.name, suite.summary);
  if (all_available(tables.models) && all_available(tables.references)) text += "\nEvery model can run here.\n";
  return text;
}

}  // namespace bench
