#include "workloads/disk_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <vector>

#include "workloads/scratch.h"
#include "workloads/unique_fd.h"

namespace bench {

void fail_on_file(std::string_view what, const std::string& path, int error) {
  const char* const remedy =
      error == EMFILE ? "each task under way has two files open, see `ulimit -n`" : temporary_folder_remedy;
  throw std::system_error(error, std::generic_category(), fmt::format("{} {} ({})", what, path, remedy));
}

void write_file(const std::string& path, const FileContents& contents, std::uint64_t bytes, mode_t mode) {
  constexpr std::uint64_t piece_bytes = 256 * 1024;
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) fail_on_file("make", path, errno);
  std::vector<std::byte> piece;
  for (std::uint64_t at = 0; at < bytes;) {
    piece.resize(static_cast<std::size_t>(std::min(piece_bytes, bytes - at)));
    contents.fill(piece, at);
    const ssize_t written = write(file.get(), piece.data(), piece.size());
    if (written < 0) fail_on_file("write", path, errno);
    at += static_cast<std::uint64_t>(written);
  }
  if (fchmod(file.get(), mode) != 0) fail_on_file("set the mode of", path, errno);
}

}  // namespace bench
