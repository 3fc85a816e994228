#include "harness/text/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "harness/text/split.h"

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

// A line without breaks.
std::string wrapped_line(std::string_view line, std::size_t width, std::size_t hanging) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  std::string result(line.substr(0, indent));
  std::size_t column = indent;
  bool first = true;  // word of its line
  for (const std::string& word : split(line.substr(indent), ' ')) {
    const std::size_t size = width_of(word);
    if (!first && column + 1 + size > width) {
      result += '\n' + std::string(indent + hanging, ' ');
      column = indent + hanging;
      first = true;
    }
    if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += size;
    first = false;
  }
  return result;
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

std::size_t width_of(const Table& table) {
  Table figures = table;
  for (TableRow& row : figures.rows) {
    if (row.is_remark) row.resize(1);
  }
  std::size_t widest = 0;
  const std::vector<std::string> lines = split(render_console(figures, false), '\n');
  for (const std::string& line : lines) widest = std::max(widest, width_of(line));
  return widest;
}

void erase_columns(Table& table, const std::vector<std::size_t>& places) {
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    const auto at = static_cast<std::ptrdiff_t>(*place);
    for (TableRow& row : table.rows) {
      if (!row.is_remark) row.erase(row.begin() + at);
    }
    table.header.erase(table.header.begin() + at);
  }
}

std::vector<std::size_t> empty_columns(const Table& table) {
  std::vector<std::size_t> empty;
  if (!table.has_figures()) return empty;
  for (std::size_t column = 1; column < table.header.size(); ++column) {
    const auto says_nothing = [&](const TableRow& row) {
      return row.is_remark || row[column].empty() || row[column] == "-";
    };
    if (std::ranges::all_of(table.rows, says_nothing)) empty.push_back(column);
  }
  return empty;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t hanging) {
  if (width == any_width) return std::string(text);
  std::string result;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    result += wrapped_line(text.substr(begin, end - begin), width, hanging);
    if (end < text.size()) result += '\n';
    begin = end + 1;
  }
  return result;
}

std::string reflowed(std::string_view text, std::size_t width) {
  if (width == any_width) return std::string(text);
  constexpr std::size_t broken_from = 80;  // a shorter line ends where it is meant to
  constexpr std::size_t narrowest = 24;    // below which an explanation is no column of its own
  std::string result;
  std::string item;
  std::size_t column = 0;  // where the explanation of `item` begins
  std::size_t last = 0;    // how long the last line of `item` was
  const auto finish = [&] {
    const std::size_t indent = std::min(item.find_first_not_of(' '), item.size());
    const std::size_t hanging = column + narrowest > width ? 4 : column - indent;
    result += wrapped_line(item, width, hanging) + '\n';
  };
  bool any = false;
  for (const std::string& line : split(text.ends_with('\n') ? text.substr(0, text.size() - 1) : text, '\n')) {
    const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
    const bool begins_anew = last < broken_from || line.compare(indent, 2, "--") == 0;  // a command line does
    if (any && indent < line.size() && indent == column && indent != 2 && !begins_anew) {
      item += ' ' + line.substr(indent);
      last = line.size();
      continue;
    }
    if (any) finish();
    any = true;
    item = line;
    last = line.size();
    const std::size_t gap = line.find("  ", indent);
    column = gap == std::string::npos ? indent : std::min(line.find_first_not_of(' ', gap), line.size());
  }
  finish();
  return result;
}

std::string render_console(const Table& table, bool emphasis, std::size_t width) {
  std::vector<std::vector<std::string>> titles;  // the lines of each
  std::size_t height = 0;
  std::vector<std::size_t> widths;
  for (const std::string& title : table.header) {
    titles.push_back(split(title, '\n'));
    height = std::max(height, titles.back().size());
    std::size_t& widest = widths.emplace_back(0);
    for (const std::string& line : titles.back()) widest = std::max(widest, width_of(line));
  }
  for (const TableRow& row : table.rows) {
    for (std::size_t i = 0; i < (row.is_remark ? 1 : row.size()); ++i)
      widths[i] = std::max(widths[i], width_of(row[i]));
  }
  const auto line = [&](const TableRow& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i != 0) text += "  ";
      text += row.is_remark && i != 0 ? row[i] : padded(row[i], widths[i], i != 0);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    if (!row.is_remark || width == any_width) return text;
    constexpr std::size_t narrowest = 24;  // below which a remark is no column of its own
    const std::size_t column = widths.front() + 2;
    return wrapped_line(text, width, column + narrowest > width ? 4 : column);
  };
  std::string text;
  for (std::size_t at = 0; at < height; ++at) {
    std::vector<std::string> fields;
    for (std::size_t i = 0; i < titles.size(); ++i) {
      // The first begins at the top, as the words of a sentence; figures have theirs right above them.
      const std::size_t above = i == 0 ? 0 : height - titles[i].size();
      const bool has_line = at >= above && at - above < titles[i].size();
      fields.push_back(has_line ? titles[i][at - above] : "");
    }
    text += (at == 0 ? "" : "\n") + line(fields);
  }
  if (emphasis) text = "\x1b[1m" + text + "\x1b[0m";
  text += '\n';
  for (const auto& row : table.rows) text += line(row) + '\n';
  return text;
}

std::string render_markdown(const Table& table) {
  const bool has_remarks = std::ranges::any_of(table.rows, &TableRow::is_remark);
  const std::size_t columns = std::max<std::size_t>(table.header.size(), has_remarks ? 2 : 1);
  const auto line = [&](const std::vector<std::string>& fields) {
    std::string text = "|";
    for (std::size_t i = 0; i < columns; ++i) {
      text += fmt::format(" {} |", i < fields.size() ? markdown_field(fields[i]) : "");
    }
    return text + '\n';
  };
  std::string text = line(table.header) + "|---|";
  for (std::size_t i = 1; i < columns; ++i) text += "---:|";
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
