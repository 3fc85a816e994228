#include "workloads/copy_tree.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "workloads/file_contents.h"
#include "workloads/unique_fd.h"
#include "workloads/word_digest.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = 64 * 1024;
constexpr std::string_view original = "from";
constexpr std::string_view copy = "to";

[[noreturn]] void fail(std::string_view what, const std::string& path, int error) {
  const char* const remedy =
      error == EMFILE ? "each task under way has two files open, see `ulimit -n`" : temporary_folder_remedy;
  throw std::system_error(error, std::generic_category(), fmt::format("{} {} ({})", what, path, remedy));
}

std::string path_in(const Batch& batch, std::string_view root, std::string_view path = "") {
  return fmt::format("{}/{}/{}", batch.scratch.path, root, path);
}

UniqueFd open_file(const std::string& path, int flags) {
  UniqueFd fd(open(path.c_str(), flags | O_CLOEXEC, 0600));
  if (!fd.valid()) fail("open", path, errno);
  return fd;
}

struct stat status_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail("look at", path, errno);
  return status;
}

void make_file(const Batch& batch, const TreeFile& file) {
  const std::string path = path_in(batch, original, file.path);
  fs::create_directories(fs::path(path).parent_path());
  const UniqueFd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
  std::vector<std::byte> chunk(chunk_bytes);
  for (std::uint64_t at = 0; at < file.bytes;) {
    const auto bytes =
        std::span(chunk).first(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, file.bytes - at)));
    FileContents(file.number).fill(bytes, at);
    const ssize_t written = write(fd.get(), bytes.data(), bytes.size());
    if (written < 0) fail("write", path, errno);
    at += static_cast<std::uint64_t>(written);
  }
  if (fchmod(fd.get(), file.mode) != 0) fail("set the mode of", path, errno);
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
    const struct stat status = status_of(from_.get(), from_path_);
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
      is_reading_ ? fail("read", from_path_, error) : fail("write", to_path_, error);
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
    if (fchmod(to_.get(), mode_) != 0) fail("set the mode of", to_path_, errno);
    to_.reset();
    if (rename(partial_path_.c_str(), to_path_.c_str()) != 0) fail("name", to_path_, errno);
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

// A task without files has an outcome of its own, too.
WordDigest digest_of(std::uint32_t index) {
  WordDigest digest;
  digest.add(index + std::uint64_t{1});
  return digest;
}

std::uint64_t expected_outcome(const Batch& batch, std::uint32_t index) {
  WordDigest digest = digest_of(index);
  std::vector<std::byte> chunk;
  for (std::uint64_t number = index; number < tree_files(batch); number += batch.tasks) {
    const std::uint64_t bytes = tree_file(batch, number).bytes;
    for (std::uint64_t at = 0; at < bytes; at += chunk.size()) {
      chunk.resize(static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, bytes - at)));
      FileContents(number).fill(chunk, at);
      digest.add(std::span<const std::byte>(chunk));
    }
  }
  return digest.value();
}

// What is wrong with one file of the copy.
std::optional<std::string> look_at(const std::string& path, const TreeFile& file) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return fmt::format("{} cannot be opened: {}", path, std::generic_category().message(errno));
  const struct stat status = status_of(fd.get(), path);
  if (static_cast<std::uint64_t>(status.st_size) != file.bytes) {
    return fmt::format("{} has {} bytes, expected {}", path, status.st_size, file.bytes);
  }
  if ((status.st_mode & 07777) != file.mode) {
    return fmt::format("{} has mode {:04o}, expected {:04o}", path, status.st_mode & 07777, file.mode);
  }
  std::vector<std::byte> chunk(chunk_bytes);
  for (std::uint64_t at = 0; at < file.bytes;) {
    const ssize_t size = read(fd.get(), chunk.data(), chunk.size());
    if (size <= 0) return fmt::format("{} cannot be read at {}", path, at);
    const auto bytes = std::span<const std::byte>(chunk).first(static_cast<std::size_t>(size));
    if (!FileContents(file.number).matches(bytes, at)) {
      return fmt::format("{} has wrong bytes from {} to {}", path, at, at + bytes.size());
    }
    at += bytes.size();
  }
  return std::nullopt;
}

std::optional<std::string> look_at_copy(const Batch& batch) {
  const std::string root = path_in(batch, copy);
  std::unordered_map<std::string, TreeFile> due;
  for (std::uint64_t number = 0; number < tree_files(batch); ++number) {
    TreeFile file = tree_file(batch, number);
    due.emplace(root + file.path, std::move(file));
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root)) {
    if (entry.symlink_status().type() == fs::file_type::directory) continue;
    const auto found = due.find(entry.path().string());
    if (found == due.end()) return fmt::format("{} is no file of the tree", entry.path().string());
    if (auto wrong = look_at(found->first, found->second)) return wrong;
    due.erase(found);
  }
  if (!due.empty()) return fmt::format("{} was not copied", due.begin()->first);
  return std::nullopt;
}

// The files of a task, one after the other.
class Share {
 public:
  Share(const Batch& batch, std::uint32_t index) : batch_(batch), number_(index), digest_(digest_of(index)) {}

  // The transfer that comes next; false when all files are copied.
  bool next(Transfer& transfer) {
    while (true) {
      if (current_ && current_->next(transfer)) return true;
      if (current_) current_->finish();
      current_.reset();
      if (number_ >= tree_files(batch_)) return false;
      const std::string path = tree_file(batch_, number_).path;
      number_ += batch_.tasks;
      current_.emplace(path_in(batch_, original, path), path_in(batch_, copy, path), digest_);
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

std::uint64_t tree_files(const Batch& batch) { return batch.parameters.pair("tree").first; }

TreeFile tree_file(const Batch& batch, std::uint64_t number) {
  constexpr std::array<std::uint64_t, 8> eighths{8, 1, 0, 13, 4, 16, 6, 16};
  constexpr std::array<std::uint32_t, 7> modes{0644, 0600, 0755, 0444, 0640, 0400, 0700};
  constexpr std::uint64_t kib = 1024;
  constexpr std::uint64_t branches = 3;
  const std::uint64_t share = eighths[number % eighths.size()];
  TreeFile file{.number = number, .mode = modes[number % modes.size()]};
  file.bytes = share == 0 ? 0 : batch.work * kib * share / 8 + number % 11;
  const std::uint64_t depth = batch.parameters.pair("tree").second;
  std::uint64_t branch = number / depth;
  for (std::uint64_t level = 0; level < number % depth; ++level, branch /= branches) {
    file.path += fmt::format("folder-{}/", branch % branches);
  }
  file.path += fmt::format("file-{}", number);
  return file;
}

void fill_tree(const Batch& batch) {
  fs::remove_all(path_in(batch, copy));
  fs::create_directory(path_in(batch, copy));
  if (fs::exists(path_in(batch, original))) return;
  fs::create_directory(path_in(batch, original));
  for (std::uint64_t number = 0; number < tree_files(batch); ++number) make_file(batch, tree_file(batch, number));
}

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

std::optional<std::string> check_tree(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  const auto expected = [&](std::uint32_t index) { return expected_outcome(batch, index); };
  if (auto wrong = compare_outcomes(outcomes, expected)) return wrong;
  try {
    return look_at_copy(batch);
  } catch (const std::system_error& error) {
    return error.what();
  }
}

}  // namespace bench
