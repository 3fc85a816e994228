// The functions behind the rows of the model table, one for each file.
#pragma once

#include "harness/measure/job_run.h"
#include "harness/measure/server_run.h"

namespace bench {

void run_serial(JobRun& job);
void run_processes(JobRun& job);
void run_process_pool(JobRun& job);
void run_threads(JobRun& job);
void run_thread_pool(JobRun& job);
void run_gil_threads(JobRun& job);
void run_nonblocking(JobRun& job);
void run_select(JobRun& job);
void run_poll(JobRun& job);
void run_epoll(JobRun& job);
void run_epoll_et(JobRun& job);
void run_io_uring(JobRun& job);
void run_coroutines(JobRun& job);
void run_fibers(JobRun& job);
void run_reactor_pool(JobRun& job);

void serve_serial(ServerRun& server);
void serve_processes(ServerRun& server);
void serve_process_pool(ServerRun& server);
void serve_threads(ServerRun& server);
void serve_thread_pool(ServerRun& server);
void serve_gil_threads(ServerRun& server);
void serve_nonblocking(ServerRun& server);
void serve_select(ServerRun& server);
void serve_poll(ServerRun& server);
void serve_epoll(ServerRun& server);
void serve_epoll_et(ServerRun& server);
void serve_io_uring(ServerRun& server);
void serve_coroutines(ServerRun& server);
void serve_fibers(ServerRun& server);
void serve_reactor_pool(ServerRun& server);

}  // namespace bench
