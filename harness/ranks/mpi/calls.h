// What is asked of MPI, as values.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "measure/run_report.h"

namespace bench {

/// MPI did not do what it was asked for.
struct MpiError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws MpiError for any `code` but success: "MPI could not gather: …".
void succeed(int code, const char* doing);

/// MPI, initialised as long as it lives, unless it was abandoned.
class Mpi {
 public:
  Mpi();
  ~Mpi() { finalize(); }
  Mpi(const Mpi&) = delete;
  Mpi& operator=(const Mpi&) = delete;

  /// Waits for all other ranks to come to theirs. Once is enough.
  void finalize();

  /// It lets nobody go in good order once one of its processes is gone, or at another place.
  void abandon() { open_ = false; }

  std::uint32_t rank() const { return rank_; }
  std::uint32_t ranks() const { return ranks_; }

 private:
  bool open_ = true;
  std::uint32_t rank_ = 0;
  std::uint32_t ranks_ = 0;
};

/// Ends the process, and says nothing more to MPI.
[[noreturn]] void leave_at_once(int status);

/// Every rank's text at rank 0, by rank; empty elsewhere. All ranks call it together, as each of the next.
std::vector<std::string> gather(const std::string& text);

/// The text of `root` everywhere.
std::string broadcast(std::string text, std::uint32_t root = 0);

/// The same of a value that can be copied byte by byte.
template <typename T>
T broadcast_value(T value, std::uint32_t root) {
  succeed(MPI_Bcast(&value, sizeof value, MPI_BYTE, static_cast<int>(root), MPI_COMM_WORLD), "broadcast");
  return value;
}

/// The smallest of all ranks' values, everywhere.
std::uint32_t least_of_all(std::uint32_t value);

/// What one rank says to another, and which of it; values go as they lie in memory.
enum class Tag : int { order = 1, word };

template <typename T>
void send_to(std::uint32_t rank, Tag tag, const T& value) {
  succeed(MPI_Send(&value, sizeof value, MPI_BYTE, static_cast<int>(rank), static_cast<int>(tag), MPI_COMM_WORLD),
          "send to another rank");
}

/// Takes what has come, if something has: sets `value` and, where it is asked for, `from`.
template <typename T>
bool receive_from(int rank_or_any, Tag tag, T& value, std::uint32_t* from = nullptr) {
  int there = 0;
  MPI_Status status;
  succeed(MPI_Iprobe(rank_or_any, static_cast<int>(tag), MPI_COMM_WORLD, &there, &status), "look for messages");
  if (there == 0) return false;
  succeed(MPI_Recv(&value, sizeof value, MPI_BYTE, status.MPI_SOURCE, static_cast<int>(tag), MPI_COMM_WORLD,
                   MPI_STATUS_IGNORE),
          "receive a message");
  if (from) *from = static_cast<std::uint32_t>(status.MPI_SOURCE);
  return true;
}

/// Findings of all ranks as those of one run. MPI adds them up with functions of ours, which knows them as bytes: all
/// ranks are of one build. None of it blocks: what waits is `await`, which says whether it came to an end. Once it did
/// not, MPI still has the memory of what was begun, and nothing of it may be called again.
class Reductions {
 public:
  using Await = std::function<bool(MPI_Request& request)>;

  explicit Reductions(Await await);
  ~Reductions();
  Reductions(const Reductions&) = delete;
  Reductions& operator=(const Reductions&) = delete;

  /// Leaves the sum of all ranks' `own` in `merged` at rank 0, with the histograms of classes where some rank has any.
  /// Whether that came to an end.
  bool add_up(const RunReport& own, RunReport& merged);

  /// Every rank's findings at rank 0, by rank; empty elsewhere, and where that did not come to an end. `own` and what
  /// is returned live as long as this.
  const std::vector<GeneratorFindings>& collect(const GeneratorFindings& own);

 private:
  bool finished(MPI_Request& request);

  Await await_;
  bool given_up_ = false;  // MPI has yet what was begun
  MPI_Datatype measurement_ = MPI_DATATYPE_NULL;
  MPI_Datatype histogram_ = MPI_DATATYPE_NULL;
  MPI_Op add_measurements_ = MPI_OP_NULL;
  MPI_Op add_histograms_ = MPI_OP_NULL;
  std::uint32_t classes_ = 0;
  GeneratorFindings own_;
  std::vector<GeneratorFindings> all_;
};

}  // namespace bench
