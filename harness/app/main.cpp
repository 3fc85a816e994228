// The program: the tables that this suite comes with, handed to the application.
#include "harness/app/app.h"
#include "harness/app/own_tables.h"

int main(int argc, char** argv) { return bench::run_app(bench::own_tables(), argc, argv); }
