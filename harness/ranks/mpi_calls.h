// What is asked of MPI, as values.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "measure/run_report.h"

namespace bench {

/// Every rank's text at rank 0, by rank; empty elsewhere. All ranks call it together, as each of these.
std::vector<std::string> gather(const std::string& text);

/// The text of `root` everywhere.
std::string broadcast(std::string text, std::uint32_t root = 0);

/// The same of a value that can be copied byte by byte.
template <typename T>
T broadcast_value(T value, std::uint32_t root) {
  MPI_Bcast(&value, sizeof value, MPI_BYTE, static_cast<int>(root), MPI_COMM_WORLD);
  return value;
}

/// The smallest of all ranks' values, everywhere.
std::uint32_t least_of_all(std::uint32_t value);

/// Findings of all ranks as those of one run. MPI adds them up with functions of ours, which knows them as bytes: all
/// ranks are of one build. None of it blocks: what waits is `await`, which says when to give up.
class Reductions {
 public:
  using Await = std::function<void(MPI_Request& request)>;

  explicit Reductions(Await await);
  ~Reductions();
  Reductions(const Reductions&) = delete;
  Reductions& operator=(const Reductions&) = delete;

  /// Leaves the sum of all ranks' `own` in `merged` at rank 0, with the histograms of classes where some rank has any.
  void add_up(const RunReport& own, RunReport& merged);

  /// Every rank's findings at rank 0, by rank; empty elsewhere.
  std::vector<GeneratorFindings> collect(const GeneratorFindings& own);

 private:
  Await await_;
  MPI_Datatype measurement_ = MPI_DATATYPE_NULL;
  MPI_Datatype histogram_ = MPI_DATATYPE_NULL;
  MPI_Op add_measurements_ = MPI_OP_NULL;
  MPI_Op add_histograms_ = MPI_OP_NULL;
};

}  // namespace bench
