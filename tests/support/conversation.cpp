#include "tests/support/conversation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "models/talk/transfer.h"

namespace bench {

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string take(Output& out) {
  std::string bytes;
  std::array<iovec, 16> vectors;
  while (!out.empty()) {
    std::size_t size = 0;
    for (const iovec& vector : out.gather(vectors)) {
      bytes.append(static_cast<const char*>(vector.iov_base), vector.iov_len);
      size += vector.iov_len;
    }
    out.consume(size);
  }
  return bytes;
}

void ServedConnection::receive(std::string_view bytes) {
  ASSERT_FALSE(closed_);
  tail_ += bytes;
  call(Why::data);
}

void ServedConnection::receive_in_pieces(std::string_view bytes, std::size_t size) {
  while (!bytes.empty() && !closed_) {
    receive(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
}

void ServedConnection::end() {
  ended_ = true;
  call(Why::end);
}

void ServedConnection::call(Why why) {
  while (true) {
    const Step step = session_->advance(why, bytes_of(tail_), out_);
    ASSERT_LE(step.consumed, tail_.size());
    tail_.erase(0, step.consumed);
    most_pending_ = std::max(most_pending_, out_.pending());
    sent_ += take(out_);
    switch (step.next) {
      case Next::read:
        ASSERT_LE(tail_.size(), max_unconsumed);
        if (!ended_ || why == Why::end) return;
        why = Why::end;
        break;
      case Next::drain:
        ++drains_;
        why = Why::drained;
        break;
      case Next::wait:
      case Next::compute:
        asked_.push_back((step.next == Next::wait ? "wait " : "compute ") + std::to_string(step.amount));
        why = Why::resumed;
        break;
      case Next::transfer:
        step.operation->result = do_transfer(step.operation->transfer);
        why = Why::resumed;
        break;
      case Next::close: closed_ = true; return;
    }
  }
}

std::vector<std::string> replies_in_pieces(Exchange& client, std::string_view bytes, std::size_t size) {
  std::vector<std::string> lines;
  std::string tail;
  bool is_whole = true;
  while (!bytes.empty()) {
    tail += bytes.substr(0, size);
    bytes.remove_prefix(std::min(size, bytes.size()));
    while (!tail.empty()) {
      const Reply reply = client.reply(bytes_of(tail));
      if (reply.consumed > tail.size()) return {"consumed more than there was"};
      tail.erase(0, reply.consumed);
      is_whole = reply.verdict != Verdict::more;
      if (reply.verdict == Verdict::wrong) lines.push_back("wrong: " + std::string(reply.why));
      if (reply.verdict == Verdict::complete) lines.push_back(reply.peer_closes ? "complete, closes" : "complete");
      if (reply.verdict == Verdict::stale) lines.push_back("stale");
      if (reply.verdict == Verdict::farewell) lines.push_back("farewell");
      if (reply.verdict == Verdict::wrong) return lines;
      if (reply.verdict == Verdict::more) break;
    }
  }
  if (!is_whole) lines.push_back("more");
  return lines;
}

std::string request_of(Exchange& client) {
  Output out;
  client.request(out);
  return take(out);
}

}  // namespace bench
