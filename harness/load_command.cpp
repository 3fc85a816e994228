#include "harness/load_command.h"

#include <stdexcept>

namespace bench {

Exit load(const Options&) { throw std::runtime_error("not built yet"); }

}  // namespace bench
