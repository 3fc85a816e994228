// `copy`: each task writes a file, copies it, and reads the copy back, 64 KiB at a time, in files without a name that
// go when the task ends. They lie in $TMPDIR, by default /tmp, and there mostly in the page cache.
//
// With --tree=FILES:DEPTH the tasks copy a tree of folders and files instead, each its share of it (copy_tree.h).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "workloads/copy_tree.h"
#include "workloads/disk_file.h"
#include "workloads/job.h"
#include "workloads/word_digest.h"

namespace bench {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::size_t chunk_bytes = 64 * kib;
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

[[noreturn]] void fail(std::string_view what, int error) {
  fail_on_file(fmt::format("{} a temporary file in", what), temporary_folder(), error);
}

// A file without a name.
class TemporaryFile {
 public:
  TemporaryFile() : fd_(open(temporary_folder().c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) {
    if (fd_ < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {  // a file system without such files
      std::string name = temporary_folder() + "/bench-copy-XXXXXX";
      fd_ = mkostemp(name.data(), O_CLOEXEC);
      if (fd_ >= 0) unlink(name.c_str());
    }
    if (fd_ < 0) fail("open", errno);
  }
  ~TemporaryFile() { close(fd_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int fd() const noexcept { return fd_; }

 private:
  int fd_;
};

// Word `number` of a task's file: no two tasks have the same, and no two places.
std::uint64_t word(std::uint32_t index, std::uint64_t number) {
  return (index + std::uint64_t{1}) * 0x9E37'79B9'7F4A'7C15U + number * 0xBF58'476D'1CE4'E5B9U;
}

// The task as a series of transfers, whoever does them. The buffer is cleared before it is read into, so that the
// digest is of what lay in the files.
class Copying {
 public:
  Copying(std::uint32_t index, std::uint64_t bytes) : index_(index), bytes_(bytes), buffer_(chunk_bytes) { fill(); }

  // The transfer that comes next; false when all is copied and read back.
  bool next(Transfer& transfer) {
    if (at_ == bytes_) return false;
    const auto offset = static_cast<std::int64_t>(at_ + moved_);
    const std::span<std::byte> left = std::span(buffer_).subspan(moved_, chunk() - moved_);
    switch (step_) {
      case Step::write_source: transfer = write_at(source_.fd(), left, offset); break;
      case Step::read_source: transfer = read_at(source_.fd(), left, offset); break;
      case Step::write_copy: transfer = write_at(copy_.fd(), left, offset); break;
      case Step::read_copy: transfer = read_at(copy_.fd(), left, offset); break;
    }
    return true;
  }

  // What has come of it. Throws std::system_error.
  void done(std::int64_t size) {
    const bool writing = step_ == Step::write_source || step_ == Step::write_copy;
    if (size <= 0) fail(writing ? "write" : "read", size == 0 ? EIO : static_cast<int>(-size));
    moved_ += static_cast<std::size_t>(size);
    if (moved_ == chunk()) end_step();
  }

  std::uint64_t digest() const { return digest_.value(); }

 private:
  enum class Step { write_source, read_source, write_copy, read_copy };

  std::size_t chunk() const { return static_cast<std::size_t>(std::min<std::uint64_t>(chunk_bytes, bytes_ - at_)); }

  void end_step() {
    moved_ = 0;
    switch (step_) {
      case Step::write_source:
        clear();
        step_ = Step::read_source;
        break;
      case Step::read_source: step_ = Step::write_copy; break;
      case Step::write_copy:
        clear();
        step_ = Step::read_copy;
        break;
      case Step::read_copy:
        digest_.add(std::span<const std::byte>(buffer_).first(chunk()));
        at_ += chunk();
        step_ = Step::write_source;
        fill();
        break;
    }
  }

  void clear() { std::ranges::fill(buffer_, std::byte{0}); }

  void fill() {
    for (std::size_t i = 0; i < chunk(); i += word_bytes) {
      const std::uint64_t value = word(index_, (at_ + i) / word_bytes);
      std::memcpy(buffer_.data() + i, &value, word_bytes);
    }
  }

  TemporaryFile source_;
  TemporaryFile copy_;
  std::uint32_t index_;
  std::uint64_t bytes_;
  std::uint64_t at_ = 0;   // where the chunk lies
  std::size_t moved_ = 0;  // of the chunk, in this step
  Step step_ = Step::write_source;
  std::vector<std::byte> buffer_;
  WordDigest digest_;
};

Script copy_own_file(const Task& task) {
  Copying copying(task.index, task.work() * kib);
  Transfer transfer;
  while (copying.next(transfer)) {
    const std::int64_t size = co_yield transfer;
    copying.done(size);
  }
  task.outcome = copying.digest();
}

bool has_tree(const Batch& batch) { return tree_files(batch) != 0; }

Script task(const Task& task) { return has_tree(task.batch) ? copy_share(task) : copy_own_file(task); }

std::uint64_t compute(const Batch& parameters, std::uint32_t index) {
  if (has_tree(parameters)) return copy_share_plainly(parameters, index);
  Copying copying(index, parameters.work * kib);
  Transfer transfer;
  while (copying.next(transfer)) copying.done(moved_by(transfer));
  return copying.digest();
}

std::optional<std::string> check(const Batch& parameters, std::span<const std::uint64_t> outcomes) {
  if (has_tree(parameters)) return check_tree(parameters, outcomes);
  return compare_outcomes(outcomes, [&](std::uint32_t index) {
    WordDigest digest;
    for (std::uint64_t number = 0; number < parameters.work * kib / word_bytes; ++number)
      digest.add(word(index, number));
    return digest.value();
  });
}

double estimate_ns(const Batch& parameters) {
  const auto file_bytes = static_cast<double>(parameters.work * kib);
  if (!has_tree(parameters)) return 1.5 * file_bytes;
  return file_bytes * static_cast<double>(tree_files(parameters)) / parameters.tasks;
}

constexpr auto parameters = std::to_array<Parameter>({
    tasks_parameter("16"),
    work_parameter("1024", 1'048'576, "KiB of each task's file, or of a tree's files on average"),
    {.name = "tree",
     .kind = ParameterKind::pair,
     .standard = "0",
     .meaning =
         "FILES:DEPTH, a tree of so many files in up to 32 levels, which the tasks copy; 0: each copies a file of "
         "its own",
     .least = 0,
     .most = 100'000,
     .most_second = 32,
     .shown_at_standard = false},
    submit_parameter(),
});

}  // namespace

extern constinit const Job copy_job{
    .name = "copy",
    .summary = "reads and writes files: each task writes one, copies it and reads the copy",
    .parameters = parameters,
    .task = task,
    .compute = compute,
    .check = check,
    .estimate_ns = estimate_ns,
    .descriptors_per_task = 2,
    .needs_scratch = has_tree,
    .fill_scratch = fill_tree,
};

}  // namespace bench
