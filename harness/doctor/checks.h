// What on this machine spoils measurements, and the command that mends it. Looks only; changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

enum class Health : std::uint8_t { ok, warn, bad };

/// "ok", "warn", "bad".
std::string_view health_name(Health health);

/// What was found of one thing.
struct Finding {
  std::string about;  ///< "descriptor limit"
  Health health = Health::ok;
  std::string found{};   ///< "1,024, hard 1,048,576"
  std::string why{};     ///< What it does to measurements; empty where that is nothing.
  std::string remedy{};  ///< The command that mends it; empty where there is none or nothing to mend.
};

/// Looks at everything that can be read off. Files of the kernel are read below `root`, which is empty but in tests.
std::vector<Finding> look_at_machine(const std::string& root = {});

}  // namespace bench
