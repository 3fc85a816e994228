// The programs that these tests start.
#pragma once

#include <string>
#include <vector>

namespace bench {

/// `bench ARGUMENTS… MORE…`.
inline std::vector<std::string> bench(std::vector<std::string> arguments, const std::vector<std::string>& more = {}) {
  arguments.insert(arguments.begin(), BENCH_BINARY);
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// The program whose tables have faulty rows besides.
inline std::vector<std::string> faulty(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), FAULTY_BENCH_BINARY);
  return arguments;
}

}  // namespace bench
