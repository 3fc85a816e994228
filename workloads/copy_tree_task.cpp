// One task of `copy` over a tree: its share of the files, one after the other.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include "workloads/copy_tree.h"
#include "workloads/disk_file.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = 64 * 1024;

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd.valid()) fail_on_file("open", path, errno);
  return fd;
}

// One file as a series of transfers, whoever does them.
class FileCopy {
 public:
  FileCopy(std::string from, std::string to, WordDigest& digest)
      : from_path_(std::move(from)),
        to_path_(std::move(to)),
        partial_path_(to_path_ + ".partial"),
        digest_(digest),
        from_(open_file(from_path_, O_RDONLY)) {
    struct stat status {};
    if (fstat(from_.get(), &status) != 0) fail_on_file("look at", from_path_, errno);
    bytes_ = static_cast<std::uint64_t>(status.st_size);
    mode_ = status.st_mode & 07777;
    fs::create_directories(fs::path(to_path_).parent_path());
    to_ = open_file(partial_path_, O_WRONLY | O_CREAT | O_EXCL);
    is_partial_ = true;
    buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, bytes_)));
  }
  ~FileCopy() {
    if (is_partial_) unlink(partial_path_.c_str());
  }
  FileCopy(const FileCopy&) = delete;
  FileCopy& operator=(const FileCopy&) = delete;

  // The transfer that comes next; false when all is copied.
  bool next(Transfer& transfer) {
    if (at_ == bytes_) return false;
    const auto left = std::span(buffer_).first(chunk()).subspan(moved_);
    const auto offset = static_cast<std::int64_t>(at_ + moved_);
    transfer = is_reading_ ? read_at(from_.get(), left, offset) : write_at(to_.get(), left, offset);
    return true;
  }

  // What has come of it. Throws std::system_error.
  void done(std::int64_t size) {
    if (size <= 0) {
      const int error = size == 0 ? EIO : static_cast<int>(-size);
      is_reading_ ? fail_on_file("read", from_path_, error) : fail_on_file("write", to_path_, error);
    }
    moved_ += static_cast<std::size_t>(size);
    if (moved_ != chunk()) return;
    if (is_reading_) {
      digest_.add(std::span<const std::byte>(buffer_).first(moved_));
    } else {
      at_ += moved_;
    }
    is_reading_ = !is_reading_;
    moved_ = 0;
  }

  // Gives the copy its mode and its name.
  void finish() {
    if (fchmod(to_.get(), mode_) != 0) fail_on_file("set the mode of", to_path_, errno);
    to_.reset();
    if (rename(partial_path_.c_str(), to_path_.c_str()) != 0) fail_on_file("name", to_path_, errno);
    is_partial_ = false;
  }

 private:
  std::size_t chunk() const { return static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, bytes_ - at_)); }

  std::string from_path_;
  std::string to_path_;
  std::string partial_path_;
  WordDigest& digest_;
  UniqueFd from_;
  UniqueFd to_;
  std::uint64_t bytes_ = 0;
  mode_t mode_ = 0;
  bool is_partial_ = false;
  std::uint64_t at_ = 0;   // where the chunk lies
  std::size_t moved_ = 0;  // of the chunk, in this step
  bool is_reading_ = true;
  std::vector<std::byte> buffer_;
};

// The files of a task, one after the other.
class Share {
 public:
  Share(const Batch& batch, std::uint32_t index) : batch_(batch), number_(index), digest_(digest_of_share(index)) {}

  // The transfer that comes next; false when all files are copied.
  bool next(Transfer& transfer) {
    while (true) {
      if (current_ && current_->next(transfer)) return true;
      if (current_) current_->finish();
      current_.reset();
      if (number_ >= tree_files(batch_)) return false;
      const std::string path = tree_file(batch_, number_).path;
      number_ += batch_.tasks;
      current_.emplace(tree_path(batch_, tree_original, path), tree_path(batch_, tree_copy, path), digest_);
    }
  }

  void done(std::int64_t size) { current_->done(size); }

  std::uint64_t digest() const { return digest_.value(); }

 private:
  const Batch& batch_;
  std::uint64_t number_;  // of the file after the current one
  WordDigest digest_;
  std::optional<FileCopy> current_;
};

}  // namespace

Script copy_share(const Task& task) {
  Share share(task.batch, task.index);
  Transfer transfer;
  while (share.next(transfer)) {
    const std::int64_t size = co_yield transfer;
    share.done(size);
  }
  task.outcome = share.digest();
}

std::int64_t moved_by(const Transfer& transfer) noexcept {
  const ssize_t size = transfer.kind == Transfer::Kind::write_at
                           ? pwrite(transfer.fd, transfer.data, transfer.bytes, transfer.offset)
                           : pread(transfer.fd, transfer.data, transfer.bytes, transfer.offset);
  return size < 0 ? -errno : size;
}

std::uint64_t copy_share_plainly(const Batch& batch, std::uint32_t index) {
  Share share(batch, index);
  Transfer transfer;
  while (share.next(transfer)) share.done(moved_by(transfer));
  return share.digest();
}

}  // namespace bench
