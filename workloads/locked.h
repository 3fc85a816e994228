// How much of a task a lock is held over, for the jobs that are about that.
#pragma once

#include <string_view>

#include "workloads/job.h"

namespace bench {

enum class Locked : std::uint8_t { no, narrow, wide };

/// What the batch was told by a choice "locked" of `no`, `wide` and anything else, which is narrow.
inline Locked locked_of(const Batch& batch) {
  const std::string_view word = batch.parameters.choice("locked");
  return word == "no" ? Locked::no : (word == "wide" ? Locked::wide : Locked::narrow);
}

}  // namespace bench
