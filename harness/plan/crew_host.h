// A machine that takes part in a plan, for the record.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

/// One process of those that carry out a plan together, and its machine.
struct CrewHost {
  std::uint32_t rank = 0;
  std::string host;
  std::string role;     ///< "server", "load generator"
  std::string address;  ///< Where the others reach it; empty where nobody does.
  std::string cpu_model;
  std::string kernel;
  std::uint32_t cpus = 0;  ///< That its processes may use.
  std::int64_t memory_bytes = 0;
  std::string warning;  ///< What may spoil its figures; mostly empty.
};

}  // namespace bench
