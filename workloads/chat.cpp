// `chat`: the notes' chat room. Every connection is a member, every line of text a message: what one member says comes
// to all others in the room, whichever thread or process serves them. Each line to the server has one answer, in order:
//
//   NAME name      OK you are name       a name of one's own, 1 to 32 letters, digits, '-' and '_'; refused when taken
//   JOIN room      OK you are in room    out of the room where one is; any name of that kind makes a room
//   LEAVE          OK
//   SAY text       OK text               after it has come to be between the others' lines: all hear one order
//   HEAVY text     OK text               the same after the computation and the wait of a heavy request
//   ANNOUNCE text  OK                    to all rooms; of the member alone who is called admin
//   QUIT           OK, and the end
//   anything else  ERROR reason          and the member stays; after a line over 8 KiB the connection is closed
//
// In between come, as they happen, lines that nobody asked for:
//
//   SAID name text, JOINED name, LEFT name, NAMED old new     in one's room
//   NOTICE text                                               from the admin
//   LOST reason                                               one has not read for too long; the connection is closed
//
// A new member is called guest-N and finds itself in one of the rooms room-1 to room-N of --rooms, in turn. A line is
// UTF-8 without control characters; a '\r' at its end is dropped.
//
// Lines go through the hub, in the order in which they were published there; a member reads the lines of all rooms and
// passes its own room's on. Names are taken in memory that all sessions share: the log of the hub forgets, and a new
// member could not learn from it who has which name.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "workloads/chat_client.h"
#include "workloads/chat_members.h"
#include "workloads/hub.h"
#include "workloads/lines.h"
#include "workloads/service.h"

namespace bench {
namespace {

constexpr std::size_t hub_bytes = 4U << 20;
static_assert(max_chat_line_bytes < max_unconsumed);

constexpr std::string_view guest_prefix = "guest-";  // of names that the server gives
constexpr std::string_view admin_name = "admin";
constexpr std::string_view said_word = "SAID ";

bool is_name(std::string_view text) {
  const auto may_be_in_names = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= max_chat_name_bytes && std::ranges::all_of(text, may_be_in_names);
}

// A line on its way through the hub: whose it is, in which room, and the line. No room: in all.
struct Message {
  std::uint64_t member = 0;
  std::string_view room;
  std::string_view line;
};

void write_message(const Message& message, std::vector<std::byte>& bytes) {
  const auto room_bytes = static_cast<std::uint8_t>(message.room.size());
  bytes.clear();
  for (const auto part : {std::as_bytes(std::span(&message.member, 1)), std::as_bytes(std::span(&room_bytes, 1)),
                          std::as_bytes(std::span(message.room)), std::as_bytes(std::span(message.line))}) {
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
}

Message read_message(std::span<const std::byte> bytes) {
  Message message;
  std::memcpy(&message.member, bytes.data(), sizeof message.member);
  const auto room_bytes = std::to_integer<std::size_t>(bytes[sizeof message.member]);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  message.room = text.substr(sizeof message.member + 1, room_bytes);
  message.line = text.substr(sizeof message.member + 1 + room_bytes);
  return message;
}

class ChatSession final : public Session {
 public:
  explicit ChatSession(const ServiceContext& context)
      : hub_(*context.hub),
        members_(*reinterpret_cast<ChatMembers*>(context.shared)),
        extras_(context.parameters),
        member_(members_.add()),
        name_(fmt::format("{}{}", guest_prefix, member_)),
        room_(fmt::format("room-{}", member_ % context.parameters.own.number("rooms", 1) + 1)),
        place_(hub_.end()) {
    tell_room("JOINED " + name_);
  }
  ~ChatSession() override { go(); }
  ChatSession(const ChatSession&) = delete;
  ChatSession& operator=(const ChatSession&) = delete;

  // What is said comes back through the hub, and is answered then: no line is obeyed before all of the hub is read.
  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    std::size_t consumed = 0;
    while (true) {
      if (has_to_say_) {
        if (heavy_) {
          const Step extra = extras_.next();
          if (extra.next != Next::read) return {consumed, extra.next, extra.amount};
        }
        has_to_say_ = false;
        tell_room(fmt::format("{}{} {}", said_word, name_, text_));
      }
      if (!hear(out)) return end("LOST you have not read for too long", in, out);
      if (out.pending() > high_water_bytes) return {consumed, Next::drain};
      const auto rest = in.subspan(consumed);
      const auto line = first_line(rest);
      if (line ? line->size() > max_chat_line_bytes : rest.size() > max_chat_line_bytes) {
        return end(fmt::format("ERROR a line has at most {} bytes", max_chat_line_bytes), in, out);
      }
      if (!line) break;
      consumed += line->size() + 1;
      const std::string answer = obey(line->ends_with('\r') ? line->substr(0, line->size() - 1) : *line);
      if (has_gone_) return end(answer, in, out);
      if (!has_to_say_) out.append(answer + '\n');
    }
    if (why != Why::end && why != Why::timed_out) return {consumed};
    go();
    return {consumed, Next::close};
  }

 private:
  // Passes on what the hub has, or as much as may be pending. False where some of it is not there any more.
  bool hear(Output& out) {
    while (out.pending() <= high_water_bytes) {
      const Hub::Mail mail = hub_.next(place_, mail_);
      if (mail != Hub::Mail::message) return mail == Hub::Mail::nothing;
      const Message message = read_message(mail_);
      if (message.member == member_) {
        if (!message.line.starts_with(said_word)) continue;
        out.append("OK ");
        out.append(message.line.substr(said_word.size() + name_.size() + 1));
      } else if (message.room == room_ || message.room.empty()) {
        out.append(message.line);
      }
    }
    return true;
  }

  // Returns the answer; to what is to be said there is none as yet.
  std::string obey(std::string_view line) {
    if (!is_plain_text(line)) return "ERROR a line is UTF-8 text without control characters";
    const auto [word, rest] = split_word(line);
    if (word == "SAY" || word == "HEAVY") return say(rest, word == "HEAVY");
    if (word == "NAME") return call_oneself(rest);
    if (word == "JOIN") return join(rest);
    if (word == "LEAVE") return leave();
    if (word == "ANNOUNCE") return announce(rest);
    if (word != "QUIT") return "ERROR it begins with none of NAME, JOIN, LEAVE, SAY, HEAVY, ANNOUNCE, QUIT";
    go();
    return "OK";
  }

  std::string say(std::string_view text, bool heavy) {
    if (room_.empty()) return "ERROR you are in no room";
    if (text.empty()) return "ERROR there is nothing to say";
    text_ = text;
    heavy_ = heavy;
    has_to_say_ = true;
    extras_.reset();
    return {};
  }

  std::string call_oneself(std::string_view name) {
    if (!is_name(name)) return "ERROR a name has 1 to 32 letters, digits, '-' and '_'";
    if (name.starts_with(guest_prefix)) return fmt::format("ERROR the server gives names with {}", guest_prefix);
    if (!members_.take(name)) return fmt::format("ERROR the name {} is taken", name);
    if (!room_.empty()) tell_room(fmt::format("NAMED {} {}", name_, name));
    give_name_back();
    name_ = name;
    return fmt::format("OK you are {}", name);
  }

  std::string join(std::string_view room) {
    if (!is_name(room)) return "ERROR a room's name has 1 to 32 letters, digits, '-' and '_'";
    if (room != room_) {
      leave();
      room_ = room;
      tell_room("JOINED " + name_);
    }
    return fmt::format("OK you are in {}", room_);
  }

  std::string leave() {
    if (room_.empty()) return "ERROR you are in no room";
    tell_room("LEFT " + name_);
    room_.clear();
    return "OK";
  }

  std::string announce(std::string_view text) {
    if (name_ != admin_name) return fmt::format("ERROR only {} announces", admin_name);
    publish({}, fmt::format("NOTICE {}", text));
    return "OK";
  }

  // Leaves the chat, once.
  void go() {
    if (has_gone_) return;
    has_gone_ = true;
    leave();
    give_name_back();
  }

  void give_name_back() {
    if (!name_.starts_with(guest_prefix)) members_.give_back(name_);
  }

  void tell_room(const std::string& line) { publish(room_, line); }

  void publish(std::string_view room, const std::string& line) {
    write_message({.member = member_, .room = room, .line = line + '\n'}, mail_);
    hub_.publish(mail_);
  }

  Step end(const std::string& last_line, std::span<const std::byte> in, Output& out) {
    out.append(last_line + '\n');
    go();
    return {in.size(), Next::close};
  }

  Hub& hub_;
  ChatMembers& members_;
  Extras extras_;
  std::uint64_t member_;
  std::string name_;
  std::string room_;  // empty: in none
  Hub::Place place_;
  std::vector<std::byte> mail_;  // one message
  std::string text_;             // that is said next
  bool has_to_say_ = false;
  bool heavy_ = false;
  bool has_gone_ = false;
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<ChatSession>(context); }

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("64", max_chat_message_bytes, "bytes of each line, without what tells lines apart"),
    {.name = "rooms",
     .kind = ParameterKind::count,
     .standard = "1",
     .meaning = "rooms that new members are dealt out to in turn",
     .most = 1'000'000,
     .title = "{} rooms",
     .title_of_one = "{} room"},
});

}  // namespace

extern constinit const Service chat_service{
    .name = "chat",
    .summary = "TCP: what one member of a room says comes to all others",
    .scheme = {.name = "chat"},
    .parameters = parameters,
    .classes = chat_classes,
    .hub_bytes = hub_bytes,
    .shared_bytes = sizeof(ChatMembers),
    .open = open,
    .exchange = make_chat_exchange,
};

}  // namespace bench
