// What ranks say to each other while a plan is under way. All ranks are of one build, so that values go as they lie in
// memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include "harness/run/launcher.h"
#include "measure/run_report.h"

namespace bench {

/// Of the leader, to one of the others.
struct Order {
  enum class Kind : std::uint32_t {
    run,       ///< Carries out `request`.
    go_on,     ///< All have come to `step`; the server listens at `port`.
    end_soon,  ///< What has been measured by now is enough.
    cancel,    ///< The run is to end at once.
    merge,     ///< The run went well everywhere: its findings are reduced.
    dismiss,   ///< The plan is done.
  };
  Kind kind = Kind::end_soon;  // what asks for least
  std::uint32_t step = 0;
  std::uint32_t port = 0;
  bool took_part = false;  ///< With `merge`: in the run whose findings are reduced.
  RunRequest request{};
};

/// Of what a server alone knows.
struct ServerFacts {
  std::uint64_t accepted = 0;
  std::int32_t open_peak = 0;
  std::uint64_t refused = 0;
  std::uint64_t timed_out = 0;
  std::int32_t units_peak = 0;
  std::int64_t to_stop_ns = 0;
  Surroundings surroundings{};
  CpuThrottling throttling{};
};

/// Of one of the others, to the leader.
struct Word {
  enum class Kind : std::uint32_t {
    reached,     ///< Its part of the run has come to `step`.
    connecting,  ///< It makes its connections, and has come so far with them.
    ended,       ///< It has ended, as `outcome` and `reason` say.
  };
  Kind kind = Kind::reached;
  std::uint32_t step = 0;
  std::uint32_t port = 0;
  std::uint64_t established = 0;                            ///< With `connecting`: connections, and
  std::array<std::uint64_t, load_error_kinds> errors = {};  ///< how often one failed, by LoadError.
  RunOutcome outcome{};
  ServerFacts server{};
  char reason[600] = {};  ///< Why it failed, zero-terminated; empty where it did not.
};
static_assert(std::is_trivially_copyable_v<Order> && std::is_trivially_copyable_v<Word>);

inline Word word_of(const Connecting& connecting) {
  Word word{.kind = Word::Kind::connecting, .established = connecting.established.load()};
  for (std::size_t kind = 0; kind < word.errors.size(); ++kind) word.errors[kind] = connecting.errors[kind].load();
  return word;
}

/// Copies as much of `text` as fits.
template <std::size_t N>
void copy_text(std::string_view text, char (&to)[N]) {
  to[text.copy(to, N - 1)] = '\0';
}

}  // namespace bench
