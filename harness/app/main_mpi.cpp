// The program that works on several machines: the same, with what joins them.
#include "harness/app/app.h"
#include "harness/ranks/mpi_crew.h"
#include "models/references/references.h"

int main(int argc, char** argv) {
  return bench::run_app({.models = bench::all_models(),
                         .jobs = bench::all_jobs(),
                         .services = bench::all_services(),
                         .primitives = bench::all_primitives(),
                         .references = bench::all_references()},
                        argc, argv, bench::join_over_mpi);
}
