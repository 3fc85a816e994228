// Files that workloads make on a disk, and how they fail there.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "workloads/file_contents.h"

namespace bench {

/// Throws the std::system_error of what could not be done with the file, or in the folder, of that path: "write
/// /tmp/a", with the reason and what to do about it.
[[noreturn]] void fail_on_file(std::string_view what, const std::string& path, int error);

/// Makes a file that holds `bytes` bytes of `contents`, where there is none. Throws std::system_error.
void write_file(const std::string& path, const FileContents& contents, std::uint64_t bytes, mode_t mode);

}  // namespace bench
