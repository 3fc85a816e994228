// Processes that are waited for.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <string_view>

#include "workloads/unique_fd.h"

namespace bench {

/// What a machine under load may keep a process from doing that takes it milliseconds; a server with thousands of
/// threads takes a second to end. Met only by what hangs.
inline constexpr std::chrono::seconds patience_with_processes{60};

/// A descriptor that is readable once process `pid` has ended (pidfd_open(2)); invalid, with errno set, on failure.
UniqueFd watch_process(pid_t pid);

/// Why no process or thread could be had, from errno or the like, with the limit to look at: "Cannot allocate memory;
/// see `ulimit -v`". `kernel_limit` is the file of the kernel's own.
std::string describe_refusal(int error, std::string_view kernel_limit);

/// What became of a child, as in "was killed by signal 9 (Killed)"; `status` is from waitpid(2).
std::string describe_status(int status);

}  // namespace bench
