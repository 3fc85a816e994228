#include "harness/run/scratch_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "workloads/disk_file.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "bench-";
constexpr std::size_t random_letters = 6;
constexpr std::string_view owner_name = ".owner";
constexpr std::string_view inside_name = "files";

std::string inside(const std::string& folder, std::string_view name) { return fmt::format("{}/{}", folder, name); }

bool may_be_ours(const fs::path& path) {
  const std::string name = path.filename();
  if (name.size() != prefix.size() + random_letters || !name.starts_with(prefix)) return false;
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid();
}

// A folder without its file is none of ours, or is just being made.
void remove_if_forsaken(const fs::path& path) {
  const UniqueFd owner(open((path / owner_name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!owner.valid() || flock(owner.get(), LOCK_EX | LOCK_NB) != 0) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

}  // namespace

void remove_forsaken_folders() noexcept try {
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(temporary_folder(), none)) {
    if (may_be_ours(entry.path())) remove_if_forsaken(entry.path());
  }
} catch (const std::exception&) {
  // A folder that cannot be read to its end is no reason for this run to fail.
}

ScratchFolder::ScratchFolder() : maker_(getpid()) {
  remove_forsaken_folders();
  while (!make()) {
  }
  try {
    open_inside();
  } catch (...) {
    remove();
    throw;
  }
}

// False where somebody who looks for forsaken folders has come between and removed this one.
bool ScratchFolder::make() {
  path_ = fmt::format("{}/{}{}", temporary_folder(), prefix, std::string(random_letters, 'X'));
  if (mkdtemp(path_.data()) == nullptr) fail_on_file("make a folder", path_, errno);
  const std::string owner = inside(path_, owner_name);
  owner_ = UniqueFd(open(owner.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!owner_.valid()) {
    const int error = errno;
    rmdir(path_.c_str());
    fail_on_file("make the file", owner, error);
  }
  while (flock(owner_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) fail_on_file("lock the file", owner, errno);
  }
  struct stat status {};
  return fstat(owner_.get(), &status) == 0 && status.st_nlink != 0;
}

void ScratchFolder::open_inside() {
  scratch_.path = inside(path_, inside_name);
  if (mkdir(scratch_.path.c_str(), 0700) != 0) fail_on_file("make the folder", scratch_.path, errno);
  inside_ = UniqueFd(open(scratch_.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!inside_.valid()) fail_on_file("open the folder", scratch_.path, errno);
  scratch_.fd = inside_.get();
}

std::string ScratchFolder::remove() noexcept {
  if (path_.empty() || getpid() != maker_) return {};
  std::error_code error;
  fs::remove_all(path_, error);
  inside_.reset();
  owner_.reset();
  scratch_ = {};
  const std::string path = std::exchange(path_, {});
  return error ? fmt::format("remove the folder {}: {}", path, error.message()) : std::string();
}

}  // namespace bench
