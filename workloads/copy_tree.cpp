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

#include "workloads/disk_file.h"
#include "workloads/file_contents.h"
#include "workloads/unique_fd.h"
#include "workloads/word_digest.h"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t chunk_bytes = 64 * 1024;

void make_file(const Batch& batch, const TreeFile& file) {
  const std::string path = tree_path(batch, tree_original, file.path);
  fs::create_directories(fs::path(path).parent_path());
  write_file(path, FileContents(file.number), file.bytes, file.mode);
}

std::uint64_t expected_outcome(const Batch& batch, std::uint32_t index) {
  WordDigest digest = digest_of_share(index);
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
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) fail_on_file("look at", path, errno);
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
  const std::string root = tree_path(batch, tree_copy);
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

}  // namespace

std::string tree_path(const Batch& batch, std::string_view root, std::string_view path) {
  return fmt::format("{}/{}/{}", batch.scratch.path, root, path);
}

WordDigest digest_of_share(std::uint32_t index) {
  WordDigest digest;
  digest.add(index + std::uint64_t{1});
  return digest;
}

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
  fs::remove_all(tree_path(batch, tree_copy));
  fs::create_directory(tree_path(batch, tree_copy));
  if (fs::exists(tree_path(batch, tree_original))) return;
  fs::create_directory(tree_path(batch, tree_original));
  for (std::uint64_t number = 0; number < tree_files(batch); ++number) make_file(batch, tree_file(batch, number));
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
