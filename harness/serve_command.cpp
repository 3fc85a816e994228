#include "harness/serve_command.h"

#include <stdexcept>

namespace bench {

Exit serve(const Options&) { throw std::runtime_error("not built yet"); }

}  // namespace bench
