#include "tests/support/malformed_input.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace bench {

std::string MalformedInput::next() {
  if (number(9) == 0) return garbage(number(100));
  std::string input;
  for (std::size_t left = 1 + number(2); left != 0; --left) input += requests_[number(requests_.size() - 1)];
  for (std::size_t left = number(3); left != 0; --left) spoil(input);
  if (number(3) == 0) input.resize(number(input.size()));
  return input;
}

std::string MalformedInput::garbage(std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(number(255));
  return bytes;
}

void MalformedInput::spoil(std::string& input) {
  if (input.empty()) return;
  const std::size_t at = number(input.size() - 1);
  const std::size_t size = number(std::min<std::size_t>(input.size() - at, 40));
  switch (number(4)) {
    case 0: input[at] = static_cast<char>(number(255)); break;
    case 1: input.insert(at, garbage(1 + number(8))); break;
    case 2: input.erase(at, size); break;
    case 3: input.insert(at, input.substr(at, size)); break;
    default: input.insert(at, std::string(number(20'000), input[at])); break;
  }
}

AnswerToMalformed answer_to_malformed(ServedConnection connection, std::string_view input, std::size_t piece,
                                      std::size_t most_pending) {
  AnswerToMalformed answer;
  connection.receive_in_pieces(input, piece);
  answer.closed = connection.is_closed();
  if (!answer.closed) connection.end();
  EXPECT_TRUE(connection.is_closed());
  EXPECT_LE(connection.most_pending(), most_pending);
  answer.said = connection.take_sent();
  return answer;
}

}  // namespace bench
