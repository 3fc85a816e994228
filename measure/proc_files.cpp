#include "measure/proc_files.h"

#include <dirent.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <memory>

namespace bench {

std::vector<pid_t> numbered_entries(const std::string& path) {
  std::vector<pid_t> numbers;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return numbers;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    pid_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc{} && end == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string proc_text(const std::string& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key) || line.size() <= key.size() || line[key.size()] != ':') continue;
    const std::size_t begin = line.find_first_not_of(" \t", key.size() + 1);
    return begin == std::string::npos ? "" : line.substr(begin);
  }
  return {};
}

std::int64_t proc_value(const std::string& path, std::string_view key) {
  return std::strtoll(proc_text(path, key).c_str(), nullptr, 10);
}

std::optional<ProcessStat> parse_process_stat(std::string_view line) {
  const std::size_t bracket = line.rfind(')');  // the second field is a name in brackets that may hold spaces
  if (bracket == std::string_view::npos || bracket + 3 > line.size()) return std::nullopt;
  std::vector<std::int64_t> fields(3);  // by their number in proc(5): from the fourth on
  std::size_t at = bracket + 4;
  while (at < line.size()) {
    std::int64_t value = 0;
    std::from_chars(line.data() + at, line.data() + line.size(), value);
    fields.push_back(value);
    const std::size_t space = line.find(' ', at);
    if (space == std::string_view::npos) break;
    at = space + 1;
  }
  if (fields.size() < 22) return std::nullopt;
  const auto field = [&](std::size_t number) { return fields[number - 1]; };
  const std::size_t name = std::min(line.find('('), bracket) + 1;
  return ProcessStat{.command = std::string(line.substr(name, std::max(bracket, name) - name)),
                     .state = line[bracket + 2],
                     .parent = static_cast<pid_t>(field(4)),
                     .minor_faults = field(10),
                     .children_minor_faults = field(11),
                     .major_faults = field(12),
                     .children_major_faults = field(13),
                     .cpu_ns = (field(14) + field(15)) * tick_ns(),
                     .children_cpu_ns = (field(16) + field(17)) * tick_ns(),
                     .threads = field(20),
                     .started = field(22)};
}

std::optional<ProcessStat> read_process_stat(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  return parse_process_stat(line);
}

std::int64_t tick_ns() { return 1'000'000'000 / sysconf(_SC_CLK_TCK); }

bool proc_knows_this_process() {
  std::array<char, 32> name{};
  const ssize_t size = readlink("/proc/self", name.data(), name.size());
  return size > 0 && std::string_view(name.data(), static_cast<std::size_t>(size)) == fmt::to_string(getpid());
}

}  // namespace bench
