// A program linked anew, so that its code lies elsewhere: the layout of code alone can move a figure by 10%.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bench {

/// The link command `line` as Ninja has it, with its object files in an order that `seed` decides and `out` in the
/// place of what it makes. Throws std::invalid_argument where it is no such command.
std::string shuffled_link(const std::string& line, std::uint64_t seed, const std::string& out);

/// Links `program`, which lies in its Ninja build folder, into `out`, with its object files in an order that `seed`
/// decides. Throws std::runtime_error where it cannot be.
void relink(const std::string& program, std::uint64_t seed, const std::string& out, const std::function<bool()>& go_on);

}  // namespace bench
