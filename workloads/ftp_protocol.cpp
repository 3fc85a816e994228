#include "workloads/ftp_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace bench {
namespace {

// Words with one space between them; two spaces make an empty word, which no command has.
std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t end = line.find(' ');
    words.push_back(line.substr(0, end));
    if (end == std::string_view::npos) return words;
    line.remove_prefix(end + 1);
  }
}

FtpCommand refused(std::string_view why, bool closes = false) {
  FtpCommand command;
  command.refusal = why;
  command.closes = closes;
  return command;
}

std::string_view why_no_name(std::string_view name) {
  if (name.size() > max_ftp_name) return "the name is too long";
  if (!is_ftp_name(name)) return "a name has letters, digits, '.', '-' and '_', and does not begin with '.'";
  return {};
}

FtpCommand of_a_file(FtpVerb verb, std::string_view name) {
  FtpCommand command{.verb = verb, .name = std::string(name.substr(0, max_ftp_name))};
  command.refusal = why_no_name(name);
  return command;
}

}  // namespace

bool is_ftp_name(std::string_view name) noexcept {
  const auto allowed = [](char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
           letter == '.' || letter == '-' || letter == '_';
  };
  return !name.empty() && name.size() <= max_ftp_name && name.front() != '.' && std::ranges::all_of(name, allowed);
}

bool parse_ftp_number(std::string_view text, std::uint64_t& value) noexcept {
  constexpr std::size_t most_digits = 18;
  if (text.empty() || text.size() > most_digits || (text.size() > 1 && text.front() == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

FtpCommand parse_ftp_command(std::string_view line) {
  std::vector<std::string_view> words = words_of(line);
  const bool heavy = words.size() > 1 && words.back() == "heavy";
  const bool named_heavy = words.size() == 2 && words.front() == "GET";  // a file of that name
  if (heavy && !named_heavy) words.pop_back();

  FtpCommand command;
  const std::string_view verb = words.front();
  if (verb == "PUT") {
    std::uint64_t size = 0;
    // Without the size nobody knows where the next command begins, and of too large a file too much would come.
    if (words.size() != 3 || !parse_ftp_number(words[2], size)) return refused("PUT takes a name and a size", true);
    if (size > max_ftp_file_bytes) return refused("the file is too large", true);
    command = of_a_file(FtpVerb::put, words[1]);
    command.size = size;
  } else if (verb == "GET") {
    if (words.size() != 2) return refused("GET takes a name");
    command = of_a_file(FtpVerb::get, words[1]);
  } else if (verb == "LIST" || verb == "QUIT") {
    if (words.size() != 1) return refused("LIST and QUIT take nothing");
    command.verb = verb == "LIST" ? FtpVerb::list : FtpVerb::quit;
  } else {
    return refused("commands are LIST, GET name, PUT name size, QUIT");
  }
  command.heavy = heavy && !named_heavy;
  return command;
}

std::string ftp_list_line(std::uint64_t size, std::string_view name) { return fmt::format("{} {}\n", size, name); }

std::string ftp_status(std::uint64_t size) { return fmt::format("OK {}\n", size); }

}  // namespace bench
