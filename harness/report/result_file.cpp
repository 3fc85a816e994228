#include "harness/report/result_file.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>  // renameat2
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "harness/options/options.h"
#include "harness/report/build_info.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

constexpr std::string_view suffix = ".json";

std::system_error write_failure(const std::string& path) {
  return {errno, std::generic_category(), fmt::format("write {}", path)};
}

[[noreturn]] void refuse(const std::string& path, const std::string& problem) {
  throw UsageError(fmt::format("--out={}: {}", path, problem));
}

[[noreturn]] void refuse_existing(const std::string& path) { refuse(path, "exists already; --force overwrites it"); }

void write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_failure(path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (fsync(fd) != 0) throw write_failure(path);
}

// A name that goes with the object unless its file has got another one.
class TemporaryName {
 public:
  explicit TemporaryName(std::string path) : path_(std::move(path)) { unlink(path_.c_str()); }
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  ~TemporaryName() { unlink(path_.c_str()); }

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// Puts `text` on disk under the name `whole`. A file without a name until all of it is there, so that a crash leaves
// nothing; file systems without O_TMPFILE get a named one.
void write_whole(const std::string& folder, const std::string& whole, std::string_view text, const std::string& path) {
  UniqueFd fd(open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  const bool nameless = fd.valid();
  if (!nameless) fd = UniqueFd(open(whole.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) throw write_failure(path);
  write_all(fd.get(), text, path);
  if (!nameless) return;
  const std::string link = fmt::format("/proc/self/fd/{}", fd.get());
  if (linkat(AT_FDCWD, link.c_str(), AT_FDCWD, whole.c_str(), AT_SYMLINK_FOLLOW) != 0) throw write_failure(path);
}

// What a link stands for, which is replaced, and not the link; it may be yet to be made. A pipe's descriptor in /proc
// is a link to no name and stays as it is.
std::filesystem::path behind_links(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  if (std::filesystem::path full = std::filesystem::canonical(path, error); !error) return full;
  std::filesystem::path full = path;
  constexpr int most_links = 40;  // as the kernel's
  for (int links = 0; std::filesystem::is_symlink(full, error); ++links) {
    if (links == most_links) refuse(path, "its symbolic links lead to each other");
    const std::filesystem::path next = std::filesystem::read_symlink(full, error);
    if (next.is_relative() && full.string().starts_with("/proc/")) return full;
    full = full.parent_path() / next;
  }
  return full;
}

// As rename(2), but only where nothing has that name; EEXIST where something has.
bool rename_to_free(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL) return false;
  return link(from.c_str(), to.c_str()) == 0;  // NFS knows no flags
}

std::string numbered(std::string_view path, int number) {
  if (number == 1) return std::string(path);
  const std::string_view stem = path.ends_with(suffix) ? path.substr(0, path.size() - suffix.size()) : path;
  return fmt::format("{}-{}{}", stem, number, path.substr(stem.size()));
}

}  // namespace

std::string document_text(const nlohmann::ordered_json& document) {
  return document.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

ResultFile::ResultFile(std::string path, Taken taken) : path_(std::move(path)), taken_(taken) { look_at(path_); }

void ResultFile::look_at(const std::string& path) {
  const std::filesystem::path full = behind_links(path);
  if (full == "/dev/null") return;
  name_ = full.filename().string();
  folder_ = full.has_parent_path() ? full.parent_path().string() : ".";
  std::error_code error;
  if (name_.empty() || std::filesystem::is_directory(full, error)) refuse(path, "is a folder; name a file");
  if (!std::filesystem::is_directory(folder_, error)) {
    refuse(path, std::filesystem::exists(folder_, error) ? fmt::format("{} is no folder", folder_)
                                                         : fmt::format("the folder {} does not exist", folder_));
  }
  if (std::filesystem::exists(full, error)) {
    // A rename would put a file in the place of a device or a pipe.
    if (!std::filesystem::is_regular_file(full, error)) {
      refuse(path, "is no regular file; --out=- writes to standard output");
    }
    if (taken_ == Taken::refuse) refuse_existing(path);
  }
  // Whether a file can be made there is seen by making one, which root and full or read-only disks all answer to.
  const TemporaryName probe(fmt::format("{}/.{}.{}", folder_, name_, getpid()));
  const UniqueFd fd(open(probe.path().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) refuse(path, fmt::format("cannot be written: {}", std::strerror(errno)));
}

void ResultFile::write(const nlohmann::ordered_json& document) {
  if (name_.empty()) return;  // /dev/null
  const TemporaryName whole(fmt::format("{}/.{}.{}", folder_, name_, getpid()));
  write_whole(folder_, whole.path(), document_text(document), path_);
  if (!claimed_ && taken_ != Taken::replace) {
    claim(whole.path());
  } else if (rename(whole.path().c_str(), (folder_ + "/" + name_).c_str()) != 0) {
    throw write_failure(path_);
  }
  claimed_ = true;
  const UniqueFd folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.valid()) fsync(folder.get());
}

void ResultFile::claim(const std::string& whole) {
  const std::string wanted = path_;
  const std::string wanted_name = name_;
  for (int number = 1;; ++number) {
    path_ = numbered(wanted, number);
    name_ = numbered(wanted_name, number);
    if (rename_to_free(whole, folder_ + "/" + name_)) return;
    if (errno != EEXIST) throw write_failure(path_);
    if (taken_ == Taken::refuse) refuse_existing(path_);
  }
}

std::string default_result_path(const Machine& machine) {
  const char* given = std::getenv("BENCH_RESULTS");
  const std::string folder = given && *given ? given : "results";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw UsageError(
        fmt::format("the folder {} for results cannot be made: {}; --out=FILE or BENCH_RESULTS names "
                    "another place",
                    folder, error.message()));
  }
  std::string host = machine.host;
  std::ranges::replace(host, '/', '_');
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("{}/{:%Y%m%dT%H%M%SZ}-{}-{}{}", folder, fmt::gmtime(now), host, build_info.git_revision, suffix);
}

}  // namespace bench
