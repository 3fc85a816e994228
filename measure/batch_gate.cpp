#include "measure/batch_gate.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <system_error>

namespace bench {

BatchGate::BatchGate(std::uint32_t copies) : turns_(copies), done_(eventfd(0, EFD_CLOEXEC)) {
  if (!done_.valid()) throw std::system_error(errno, std::generic_category(), "eventfd");
  constexpr int between_processes = 1;
  for (sem_t& turn : turns_.span()) sem_init(&turn, between_processes, 0);
}

BatchGate::~BatchGate() {
  for (sem_t& turn : turns_.span()) sem_destroy(&turn);
}

void BatchGate::open() {
  shared_[0].unfinished.store(static_cast<std::uint32_t>(turns_.span().size()));
  for (sem_t& turn : turns_.span()) sem_post(&turn);
}

void BatchGate::close() {
  shared_[0].closed.store(1);
  for (sem_t& turn : turns_.span()) sem_post(&turn);
}

void BatchGate::take_done() const {
  eventfd_t count = 0;
  eventfd_read(done_.get(), &count);
}

bool BatchGate::pass(std::uint32_t copy, bool has_batch) {
  if (has_batch && shared_[0].unfinished.fetch_sub(1) == 1) eventfd_write(done_.get(), 1);
  while (sem_wait(&turns_[copy]) != 0) {  // a signal came between
  }
  return shared_[0].closed.load() == 0;
}

}  // namespace bench
