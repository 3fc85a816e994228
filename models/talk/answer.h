// A datagram on its way to be answered, where the answer takes time.
#pragma once

#include "models/talk/conversation.h"
#include "models/talk/datagram.h"

namespace bench {

/// The conversation with a datagram, and its sender.
struct Answer {
  Answer(ServerRun& server, const Datagram& received) : conversation(server), request(received.peer_only()) {}
  Conversation conversation;
  Datagram request;
};

}  // namespace bench
