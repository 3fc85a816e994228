// The sentences that close a group's table.
#pragma once

#include <string>

#include "harness/summary/summary_kind.h"

namespace bench {

/// Which cells are best and which the data cannot tell apart, with what else the kind has to say of them; of a single
/// cell what the kind says of one. `summary` has its cells and their ranking already.
std::string verdict(const SummarySource& source, const GroupSummary& summary);

}  // namespace bench
