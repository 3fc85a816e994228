#include "harness/run/relink.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <vector>

#include "harness/run/program.h"
#include "harness/text/split.h"

namespace bench {
namespace fs = std::filesystem;

std::string shuffled_link(const std::string& line, std::uint64_t seed, const std::string& out) {
  std::vector<std::string> words = split(line, ' ');
  std::erase(words, "");
  const auto is_object = [](const std::string& word) { return word.ends_with(".o"); };
  std::vector<std::string> objects;
  std::ranges::copy_if(words, std::back_inserter(objects), is_object);
  const auto made = std::ranges::find(words, "-o");
  if (objects.size() < 2 || made == words.end() || made + 1 == words.end()) {
    throw std::invalid_argument(fmt::format("no link command with object files: {}", line));
  }
  *(made + 1) = out;
  std::mt19937_64 random(seed);
  std::ranges::shuffle(objects, random);
  std::size_t next = 0;
  for (std::string& word : words) {
    if (is_object(word)) word = objects[next++];
  }
  return fmt::format("{}", fmt::join(words, " "));
}

void relink(const std::string& program, std::uint64_t seed, const std::string& out,
            const std::function<bool()>& go_on) {
  const fs::path folder = fs::absolute(program).parent_path();
  if (!fs::exists(folder / "build.ninja")) {
    throw std::runtime_error(
        fmt::format("{} does not lie in its build folder: there is no {}", program, (folder / "build.ninja").string()));
  }
  // The last command is the one that links; what is said is the standard error.
  const ProgramEnd told =
      run_to_end({"sh", "-c", "ninja -t commands \"$1\" | tail -n 1 >&2", "sh", fs::path(program).filename().string()},
                 folder.string(), go_on);
  if (told.cancelled) return;
  if (told.said.find(".o ") == std::string::npos) {
    throw std::runtime_error(fmt::format("ask ninja how {} is linked: {}", program, told.said));
  }
  std::string line = told.said;
  while (!line.empty() && line.back() == '\n') line.pop_back();
  const ProgramEnd linked =
      run_to_end({"sh", "-c", shuffled_link(line, seed, fs::absolute(out).string())}, folder.string(), go_on);
  if (!linked.cancelled && linked.status != 0) {
    throw std::runtime_error(fmt::format("link {} anew: ended with {}: {}", program, linked.status, linked.said));
  }
}

}  // namespace bench
