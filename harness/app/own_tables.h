// The tables that this suite comes with.
#pragma once

#include "harness/options/options.h"
#include "models/references/references.h"

namespace bench {

/// All rows of all tables.
inline Tables own_tables() {
  return {.models = all_models(),
          .jobs = all_jobs(),
          .services = all_services(),
          .primitives = all_primitives(),
          .references = all_references()};
}

}  // namespace bench
