// The list of models, in the order of every report. A new model is its file and two words here.
#include "models/model.h"

#include <array>

namespace bench {

extern const Model serial_model, processes_model, process_pool_model, threads_model, thread_pool_model,
    gil_threads_model, nonblocking_model, select_model, poll_model, epoll_model, epoll_et_model, io_uring_model,
    coroutines_model, fibers_model, reactor_pool_model;

RowList<Model> all_models() {
  static constexpr std::array models{&serial_model,      &processes_model,   &process_pool_model, &threads_model,
                                     &thread_pool_model, &gil_threads_model, &nonblocking_model,  &select_model,
                                     &poll_model,        &epoll_model,       &epoll_et_model,     &io_uring_model,
                                     &coroutines_model,  &fibers_model,      &reactor_pool_model};
  return models;
}

}  // namespace bench
