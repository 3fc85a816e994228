// A table of text and its three renderings, and text that keeps to a width.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// The fields of a row; or a remark, which is a label and a text that spans the rest.
struct TableRow : std::vector<std::string> {
  using std::vector<std::string>::vector;
  TableRow(std::vector<std::string> fields) : std::vector<std::string>(std::move(fields)) {}

  bool is_remark = false;
};

struct Table {
  std::vector<std::string> header;  ///< A line break in a title makes it that much higher; console only.
  std::vector<TableRow> rows;

  void add_remark(const std::string& label, const std::string& text) {
    rows.push_back({label, text});
    rows.back().is_remark = true;
  }

  bool has_figures() const { return !std::ranges::all_of(rows, &TableRow::is_remark); }
};

/// No width: that of what is no terminal.
inline constexpr std::size_t any_width = 0;

/// Columns aligned for a terminal: the first to the left, the others to the right. `emphasis` puts the header in bold.
/// Remarks are broken at `width`, and go on where they begin.
std::string render_console(const Table& table, bool emphasis, std::size_t width = any_width);

std::string render_markdown(const Table& table);

/// RFC 4180.
std::string render_csv(const Table& table);

/// How many columns of a terminal the widest line takes, but for remarks, which can be broken.
std::size_t width_of(const Table& table);

/// Takes out the columns at `places`.
void erase_columns(Table& table, const std::vector<std::size_t>& places);

/// The columns, without the first, in which no row says anything: empty, or "-". None where all rows are remarks.
std::vector<std::size_t> empty_columns(const Table& table);

/// Breaks lines of UTF-8 text that are wider than `width` at blanks. What follows a break is indented as its line is,
/// and `hanging` more.
std::string wrapped(std::string_view text, std::size_t width, std::size_t hanging = 0);

/// A text of paragraphs and of lists such as "  --flag  what it is for", which was broken at some other width, broken
/// at this one. What follows a break in a list stands below the explanation.
std::string reflowed(std::string_view text, std::size_t width);

}  // namespace bench
