# Headers that most files include, compiled once for all targets that are compiled alike (REUSE_FROM).
#
# bench_precompile(TARGET HEADER…): those of the standard library and fmt, and HEADERs besides.
function(bench_precompile target)
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <atomic> <chrono> <cstdint> <functional> <memory> <optional> <span> <string> <string_view> <vector>
    <fmt/format.h> ${ARGN})
endfunction()
