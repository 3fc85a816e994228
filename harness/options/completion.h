// What a shell and man(1) are told of the command line, from the same tables as everything else.
#pragma once

#include <string>

#include "harness/options/options.h"

namespace bench {

/// A script for bash(1) that completes commands, their options, and the names of models, workloads, suites and choices.
std::string bash_completion(const Tables& tables);

/// A manual page, man(7): the help texts of all commands.
std::string manual_page(const Tables& tables);

}  // namespace bench
