// The functions behind the rows of the primitive table, one file for each primitive.
#pragma once

#include "harness/measure/primitive_run.h"

namespace bench {

void spawn_processes(PrimitiveRun& run);
void spawn_threads(PrimitiveRun& run);
void spawn_coroutines(PrimitiveRun& run);
void spawn_fibers(PrimitiveRun& run);

void switch_processes_futex(PrimitiveRun& run);
void switch_processes_pipe(PrimitiveRun& run);
void switch_threads_futex(PrimitiveRun& run);
void switch_threads_condition(PrimitiveRun& run);
void switch_threads_pipe(PrimitiveRun& run);
void switch_coroutines_resume(PrimitiveRun& run);
void switch_coroutines_scheduler(PrimitiveRun& run);
void switch_fibers_jump(PrimitiveRun& run);
void switch_fibers_scheduler(PrimitiveRun& run);

void queue_processes_pipe(PrimitiveRun& run);
void queue_processes_socket(PrimitiveRun& run);
void queue_threads_pipe(PrimitiveRun& run);
void queue_threads_socket(PrimitiveRun& run);
void queue_threads_condition(PrimitiveRun& run);
void queue_coroutines_ring(PrimitiveRun& run);
void queue_fibers_ring(PrimitiveRun& run);

void lock_processes_shared(PrimitiveRun& run);
void lock_processes_semaphore(PrimitiveRun& run);
void lock_threads_mutex(PrimitiveRun& run);
void lock_threads_recursive(PrimitiveRun& run);
void lock_threads_spin(PrimitiveRun& run);
void lock_threads_semaphore(PrimitiveRun& run);

void wake_processes_futex(PrimitiveRun& run);
void wake_threads_futex(PrimitiveRun& run);
void wake_threads_condition(PrimitiveRun& run);
void wake_coroutines_loop(PrimitiveRun& run);
void wake_fibers_loop(PrimitiveRun& run);

void idle_processes(PrimitiveRun& run);
void idle_threads(PrimitiveRun& run);
void idle_coroutines(PrimitiveRun& run);
void idle_fibers(PrimitiveRun& run);

}  // namespace bench
