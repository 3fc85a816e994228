// A table of text and its three renderings.
#pragma once

#include <string>
#include <vector>

namespace bench {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>>
      rows;  ///< A row shorter than the header ends with a remark that spans the rest.
};

/// Columns aligned for a terminal: the first to the left, the others to the right. `emphasis` puts the header in bold.
std::string render_console(const Table& table, bool emphasis);

std::string render_markdown(const Table& table);

/// RFC 4180.
std::string render_csv(const Table& table);

}  // namespace bench
