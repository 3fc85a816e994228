// The program that works on several machines: the same, with what joins them.
#include "harness/app/app.h"
#include "harness/app/own_tables.h"
#include "harness/ranks/mpi/crew.h"

int main(int argc, char** argv) { return bench::run_app(bench::own_tables(), argc, argv, bench::join_over_mpi); }
