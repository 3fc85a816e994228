// The program: the tables that this suite comes with, handed to the application.
#include "harness/app/app.h"
#include "models/references/references.h"

int main(int argc, char** argv) {
  return bench::run_app({.models = bench::all_models(),
                         .jobs = bench::all_jobs(),
                         .services = bench::all_services(),
                         .primitives = bench::all_primitives(),
                         .references = bench::all_references()},
                        argc, argv);
}
