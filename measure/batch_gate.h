// Holds the copies of a model between batches, whether they are processes or threads.
#pragma once

#include <semaphore.h>

#include <atomic>
#include <cstdint>
#include <span>

#include "measure/shared_mapping.h"
#include "workloads/unique_fd.h"

namespace bench {

/// A gate that a coordinator opens for each batch and `copies` of a model pass once each. Made before the copies; lies
/// in shared memory.
class BatchGate {
 public:
  /// Throws std::system_error.
  explicit BatchGate(std::uint32_t copies);
  ~BatchGate();
  BatchGate(const BatchGate&) = delete;
  BatchGate& operator=(const BatchGate&) = delete;

  /// The coordinator: lets every copy through to the next batch.
  void open();
  /// The coordinator: no batch comes any more; every copy learns of it.
  void close();
  /// The coordinator: readable when every copy has ended its batch; take_done() takes that.
  int done_fd() const noexcept { return done_.get(); }
  void take_done() const;

  /// A copy: ends its batch, if it had one (`copy_has_batch`), and waits for the next; false when there is none.
  bool pass(std::uint32_t copy, bool has_batch);

 private:
  struct Shared {
    std::atomic<std::uint32_t> unfinished;
    std::atomic<std::uint32_t> closed;
  };

  SharedArray<sem_t> turns_;  // one for each copy, so that none takes another's turn
  SharedArray<Shared> shared_{1};
  UniqueFd done_;
};

}  // namespace bench
