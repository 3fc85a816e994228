// The program over extended tables: first its own rows, then the faulty ones that tests/faulty_tables.h and
// tests/faulty_services.h list. `all` takes every row, so tests name the ones that they mean.
#include <vector>

#include "harness/app.h"
#include "models/references/references.h"
#include "tests/faulty_services.h"
#include "tests/faulty_tables.h"

namespace {

template <typename Row>
std::vector<Row> together(std::span<const Row> first, std::span<const Row> second) {
  std::vector<Row> rows(first.begin(), first.end());
  rows.insert(rows.end(), second.begin(), second.end());
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<bench::Model> models = together(bench::all_models(), bench::faulty_models());
  const std::vector<bench::Workload> workloads = together(bench::all_workloads(), bench::faulty_workloads());
  const std::vector<bench::Service> services = together(bench::all_services(), bench::faulty_services());
  return bench::run_app(
      {.models = models, .workloads = workloads, .services = services, .references = bench::all_references()}, argc,
      argv);
}
