#include "harness/text/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace bench {
namespace {

// Columns that UTF-8 text takes: its code points, since nothing here is wide or combining.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
  const std::string blanks(width - std::min(width, width_of(text)), ' ');
  return to_the_right ? blanks + text : text + blanks;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char character : text) {
    if (character == '"') quoted += '"';
    quoted += character;
  }
  return quoted + '"';
}

// A bar ends a cell and a line break the table, so neither may come from the text.
std::string markdown_field(const std::string& text) {
  std::string field;
  for (const char character : text) {
    if (character == '|') field += '\\';
    field += character == '\n' ? ' ' : character;
  }
  return field;
}

}  // namespace

std::string render_console(const Table& table, bool emphasis) {
  std::vector<std::size_t> widths;
  for (const std::string& title : table.header) widths.push_back(width_of(title));
  for (const auto& row : table.rows) {
    const bool full = row.size() == table.header.size();
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (full || i == 0) widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  const auto line = [&](const std::vector<std::string>& fields) {
    std::string text;
    const bool full = fields.size() == table.header.size();
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (i != 0) text += "  ";
      text += full || i == 0 ? padded(fields[i], widths[i], i != 0) : fields[i];
    }
    return text.substr(0, text.find_last_not_of(' ') + 1);
  };
  std::string text = line(table.header);
  if (emphasis) text = "\x1b[1m" + text + "\x1b[0m";
  text += '\n';
  for (const auto& row : table.rows) text += line(row) + '\n';
  return text;
}

std::string render_markdown(const Table& table) {
  const auto line = [&](const std::vector<std::string>& fields) {
    std::string text = "|";
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      text += fmt::format(" {} |", i < fields.size() ? markdown_field(fields[i]) : "");
    }
    return text + '\n';
  };
  std::string text = line(table.header) + "|---|";
  for (std::size_t i = 1; i < table.header.size(); ++i) text += "---:|";
  text += '\n';
  for (const auto& row : table.rows) text += line(row);
  return text;
}

std::string render_csv(const Table& table) {
  std::string text;
  const auto line = [&](const std::vector<std::string>& fields) {
    for (std::size_t i = 0; i < fields.size(); ++i) text += (i == 0 ? "" : ",") + csv_field(fields[i]);
    text += "\r\n";
  };
  line(table.header);
  for (const auto& row : table.rows) line(row);
  return text;
}

}  // namespace bench
