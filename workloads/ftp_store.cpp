#include "workloads/ftp_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include "workloads/ftp_protocol.h"

namespace bench {
namespace {

// Beside the files that clients see, so that those under way do not lengthen every look at these.
constexpr const char* incoming_folder = ".incoming";

struct Entry {
  std::string name;
  std::uint64_t size;
};

// Regular files under names that clients may use; one that is just being replaced is there all the same.
std::vector<Entry> entries_of(int folder) {
  const int own = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> open(own < 0 ? nullptr : fdopendir(own), closedir);
  if (!open) {
    const int error = errno;
    if (own >= 0) close(own);
    throw std::system_error(error, std::generic_category(), "list the files");
  }
  std::vector<Entry> entries;
  while (const dirent* const entry = readdir(open.get())) {
    struct stat status {};
    if (!is_ftp_name(entry->d_name) || fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(status.st_mode)) entries.push_back({entry->d_name, static_cast<std::uint64_t>(status.st_size)});
  }
  return entries;
}

}  // namespace

void make_incoming_folder(int folder) {
  if (mkdirat(folder, incoming_folder, 0700) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), "make the folder of files that come in");
  }
}

IncomingFile::IncomingFile(int folder) : folder_(folder) {
  // The names of the processes and threads of a server differ; all of them lie in one folder.
  static std::atomic<std::uint64_t> made{0};
  temporary_name_ = fmt::format("{}/{}-{}", incoming_folder, getpid(), made.fetch_add(1, std::memory_order_relaxed));
  fd_ = UniqueFd(openat(folder, temporary_name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd_.valid()) return;
  error_ = errno;
  temporary_name_.clear();
}

IncomingFile& IncomingFile::operator=(IncomingFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(folder_, other.folder_);
  std::swap(error_, other.error_);
  std::swap(temporary_name_, other.temporary_name_);
  return *this;
}

IncomingFile::~IncomingFile() {
  if (!temporary_name_.empty()) unlinkat(folder_, temporary_name_.c_str(), 0);
}

int IncomingFile::publish(const std::string& name) noexcept {
  if (renameat(folder_, temporary_name_.c_str(), folder_, name.c_str()) != 0) return errno;
  temporary_name_.clear();
  return 0;
}

std::string list_store(int folder) {
  std::vector<Entry> entries = entries_of(folder);
  std::ranges::sort(entries, {}, &Entry::name);
  std::string lines;
  for (const Entry& entry : entries) lines += ftp_list_line(entry.size, entry.name);
  return lines;
}

StoredFile open_stored(int folder, const std::string& name) {
  StoredFile file{.fd = UniqueFd(openat(folder, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK))};
  struct stat status {};
  if (!file.fd.valid() || fstat(file.fd.get(), &status) != 0) {
    const bool missing = errno == ENOENT || errno == ELOOP;
    file.refusal = missing ? "no such file" : fmt::format("open the file: {}", std::strerror(errno));
  } else if (!S_ISREG(status.st_mode)) {
    file.refusal = "no such file";
  }
  file.size = static_cast<std::uint64_t>(status.st_size);
  return file;
}

std::string_view why_store_is_full(int folder, const std::string& name, std::uint64_t size) {
  struct stat status {};
  const bool replaces = fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  const std::uint64_t before = replaces ? static_cast<std::uint64_t>(status.st_size) : 0;
  // The usual case: a file is replaced by another of its size, and nobody has to look at all files.
  if (replaces && size <= before) return {};
  const std::vector<Entry> entries = entries_of(folder);
  if (!replaces && entries.size() >= max_ftp_store_files) return "the store is full: it holds too many files";
  std::uint64_t bytes = size - before;
  for (const Entry& entry : entries) bytes += entry.size;
  return bytes > max_ftp_store_bytes ? "the store is full: its files are too large" : "";
}

}  // namespace bench
