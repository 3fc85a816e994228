// The functions behind the rows of the primitive table, one file for each primitive.
#pragma once

#include "harness/measure/primitive_run.h"

namespace bench {

void spawn_processes(PrimitiveRun& run);
void spawn_threads(PrimitiveRun& run);
void spawn_coroutines(PrimitiveRun& run);

}  // namespace bench
