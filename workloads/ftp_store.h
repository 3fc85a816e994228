// The folder of files that `ftp` serves. What waits for a disk for long, reading and writing, is its model's; names are
// looked up, made and changed here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "workloads/unique_fd.h"

namespace bench {

/// A file that is there, as it was when it was opened: one that replaces it is another file.
struct StoredFile {
  UniqueFd fd{};
  std::uint64_t size = 0;
  std::string refusal{};  ///< Why there is none, as the client is told.
};

/// Makes in a new store what it needs for files that come in. Throws std::system_error.
void make_incoming_folder(int folder);

/// A file that comes in under a name that no client sees. It is gone when it is destroyed before publish().
class IncomingFile {
 public:
  IncomingFile() = default;
  /// error() says why there is none.
  explicit IncomingFile(int folder);
  IncomingFile(IncomingFile&& other) noexcept { *this = std::move(other); }
  IncomingFile& operator=(IncomingFile&& other) noexcept;
  IncomingFile(const IncomingFile&) = delete;
  IncomingFile& operator=(const IncomingFile&) = delete;
  ~IncomingFile();

  int fd() const noexcept { return fd_.get(); }
  int error() const noexcept { return error_; }

  /// Gives it its name, at once and whole, and takes that from whatever had it. 0, or an error number.
  int publish(const std::string& name) noexcept;

 private:
  UniqueFd fd_;
  int folder_ = -1;
  int error_ = 0;
  std::string temporary_name_;
};

/// The lines of LIST, in the order of their names. Throws std::system_error.
std::string list_store(int folder);

/// Opens a file for reading.
StoredFile open_stored(int folder, const std::string& name);

/// Why the store cannot take a file of that name and size; empty: it can. Files that come in at the same time are not
/// reckoned, so that it may hold these beyond its bound.
std::string_view why_store_is_full(int folder, const std::string& name, std::uint64_t size);

}  // namespace bench
