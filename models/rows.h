// The functions behind the rows of the model table, one for each file.
#pragma once

#include "harness/measure/job_run.h"

namespace bench {

void run_serial(JobRun& job);
void run_processes(JobRun& job);
void run_process_pool(JobRun& job);
void run_threads(JobRun& job);
void run_thread_pool(JobRun& job);
void run_gil_threads(JobRun& job);
void run_coroutines(JobRun& job);
void run_epoll(JobRun& job);

}  // namespace bench
