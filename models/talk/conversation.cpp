#include "models/talk/conversation.h"

namespace bench {

Wanted Conversation::advance(Why why, std::span<const std::byte> in, Output& out) {
  // What was asked for before the end came may be over only now.
  if (ended_ && why != Why::timed_out) why = Why::end;
  if (const HubMemory* hub = open_.server().hub()) read_up_to_ = hub->hub().end();
  if (holds_datagram()) open_.server().release_datagram(tail_.size());
  const Step step = session_->advance(why, in, out);
  const std::span<const std::byte> rest = in.subspan(step.consumed);
  if (rest.empty()) {
    tail_.clear();
    if (tail_.capacity() > max_unconsumed) tail_.shrink_to_fit();
  } else if (in.data() == tail_.data()) {
    tail_.erase(tail_.begin(), tail_.begin() + static_cast<std::ptrdiff_t>(step.consumed));
  } else {
    tail_.assign(rest.begin(), rest.end());
  }
  if (holds_datagram() && !open_.server().hold_datagram(tail_.size())) {
    tail_.clear();
    return {Next::close};
  }
  if (step.next != Next::read) return {step.next, step.amount, step.operation};
  if (ended_ || rest.size() > max_unconsumed) return {Next::close};
  return {out.pending() > high_water_bytes ? Next::drain : Next::read};
}

}  // namespace bench
