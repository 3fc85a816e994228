// The program over extended tables: first its own rows, then the faulty ones that tests/support/faulty_tables.h and
// faulty_services.h list. `all` takes every row, so tests name the ones that they mean.
#include <vector>

#include "harness/app/app.h"
#include "models/references/references.h"
#include "tests/support/faulty_services.h"
#include "tests/support/faulty_tables.h"

namespace {

template <typename Row>
std::vector<const Row*> together(bench::RowList<Row> first, bench::RowList<Row> second) {
  std::vector<const Row*> rows;
  for (const Row& row : first) rows.push_back(&row);
  for (const Row& row : second) rows.push_back(&row);
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  const auto models = together(bench::all_models(), bench::faulty_models());
  const auto jobs = together(bench::all_jobs(), bench::faulty_jobs());
  const auto services = together(bench::all_services(), bench::faulty_services());
  return bench::run_app({.models = models, .jobs = jobs, .services = services, .references = bench::all_references()},
                        argc, argv);
}
