// What no client of ours would send, for the sessions that have to cope with it.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/conversation.h"

namespace bench {

/// Makes inputs from right requests: several in a row, bytes changed, put in, left out or said twice, cut off anywhere;
/// now and then garbage alone. The same seed makes the same inputs.
class MalformedInput {
 public:
  MalformedInput(std::vector<std::string> requests, std::uint64_t seed)
      : requests_(std::move(requests)), random_(seed) {}

  std::string next();

  /// A whole number from 0 to `most`.
  std::size_t number(std::size_t most) { return std::uniform_int_distribution<std::size_t>(0, most)(random_); }

 private:
  std::string garbage(std::size_t size);
  void spoil(std::string& input);

  std::vector<std::string> requests_;
  std::mt19937_64 random_;
};

/// What a connection said to an input and whether it was the connection that closed, before the peer ended.
struct AnswerToMalformed {
  std::string said;
  bool closed = false;
};

/// Gives one session `input` in pieces of at most `piece` bytes, and then the peer's end. Expects that it closes then,
/// and that no more was ever pending than `most_pending`.
AnswerToMalformed answer_to_malformed(ServedConnection connection, std::string_view input, std::size_t piece,
                                      std::size_t most_pending);

}  // namespace bench
