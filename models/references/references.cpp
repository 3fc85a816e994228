// The list of reference runtimes. Which of them there were, CMakeLists.txt says.
#include "models/references/references.h"

#include <vector>

namespace bench {

extern const Model asio_model, libuv_model, boost_fiber_model;

RowList<Model> all_references() {
  static const std::vector<const Model*> references{
#ifdef BENCH_ASIO
      &asio_model,
#endif
#ifdef BENCH_LIBUV
      &libuv_model,
#endif
#ifdef BENCH_BOOST_FIBER
      &boost_fiber_model,
#endif
  };
  return references;
}

}  // namespace bench
