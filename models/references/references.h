// Reference runtimes: well-known libraries that do what a textbook model does, so that a reader can tell a model from
// its implementation.
#pragma once

#include "models/model.h"

namespace bench {

/// The reference runtimes that were there when this was compiled, as rows like those of the model table.
RowList<Model> all_references();

}  // namespace bench
