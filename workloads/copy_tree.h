// The part of `copy` that copies a tree of files on disk (--tree=FILES:DEPTH): the tree, one task's share, the check.
//
// The run's folder holds the tree in `from`, made once, and its copy in `to`, which is empty before each batch. File k
// of the tree lies at level k % DEPTH, and belongs to task k % tasks. Sizes are 0 to 2 times --work, which is their
// mean, and a few bytes more; modes are such as people have, read-only ones among them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workloads/job.h"
#include "workloads/word_digest.h"

namespace bench {

/// A file of a tree.
struct TreeFile {
  std::uint64_t number = 0;
  std::string path{};       ///< Below the tree's root.
  std::uint64_t bytes = 0;  ///< What it holds is FileContents of its number.
  std::uint32_t mode = 0;
};

/// How many files the batch's tree has; 0: it has none, and each task copies a file of its own.
std::uint64_t tree_files(const Batch& batch);

TreeFile tree_file(const Batch& batch, std::uint64_t number);

/// Where a file of the tree lies on the disk, as tree_original or as tree_copy; without a path the root of that.
std::string tree_path(const Batch& batch, std::string_view root, std::string_view path = "");
inline constexpr std::string_view tree_original = "from";
inline constexpr std::string_view tree_copy = "to";

/// What the bytes that a task copies are added to; one without files has an outcome of its own, too.
WordDigest digest_of_share(std::uint32_t index);

/// Makes the tree where it is not there yet, and an empty folder for its copy. Throws std::exception with a path.
void fill_tree(const Batch& batch);

/// Copies the task's share, each file under a name that goes when its copy fails, and gives it its mode and its own
/// name at the end. Throws std::system_error with path, reason and remedy.
Script copy_share(const Task& task);

/// The same without a script.
std::uint64_t copy_share_plainly(const Batch& batch, std::uint32_t index);

/// What is wrong with the copy on disk or with the outcomes, which are digests of what was copied: all files have to be
/// there, with their bytes and modes, and nothing else.
std::optional<std::string> check_tree(const Batch& batch, std::span<const std::uint64_t> outcomes);

/// Moves bytes as a transfer says, by a bare system call that is made once: its result, or -errno.
std::int64_t moved_by(const Transfer& transfer) noexcept;

}  // namespace bench
