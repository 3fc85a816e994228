// The list of primitives, in the order of every report. A new primitive is its file and two words here; a new kind of
// unit is a row in each file.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <vector>

#include "primitives/primitive.h"

namespace bench {

extern const Primitive spawn_primitive, switch_primitive, lock_primitive, queue_primitive, wake_primitive,
    idle_primitive;

RowList<Primitive> all_primitives() {
  static constexpr std::array primitives{&spawn_primitive, &switch_primitive, &lock_primitive,
                                         &queue_primitive, &wake_primitive,   &idle_primitive};
  return primitives;
}

bool has_row(const Primitive& primitive, std::string_view model) {
  return std::ranges::find(primitive.rows, model, &PrimitiveRow::model) != primitive.rows.end();
}

std::string why_no_row(const Primitive& primitive) {
  std::vector<std::string_view> models;
  for (const PrimitiveRow& row : primitive.rows) {
    if (std::ranges::find(models, row.model) == models.end()) models.push_back(row.model);
  }
  return fmt::format("{} measures kinds of units, by the models that bring one: {}", primitive.name,
                     fmt::join(models, ", "));
}

}  // namespace bench
