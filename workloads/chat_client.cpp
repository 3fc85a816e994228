#include "workloads/chat_client.h"

#include <fmt/format.h>

#include <charconv>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "workloads/lines.h"
#include "workloads/payload.h"

namespace bench {
namespace {

// Indices of chat_classes.
constexpr ClassIndex say_class = 0;
constexpr ClassIndex delivery_class = 1;

// What a line of a load says of itself, in front of its letters: "CONNECTION-NUMBER-STAMP ".
struct LineHead {
  std::uint64_t connection = 0;
  std::uint64_t number = 0;  // of the connection's lines
  std::int64_t stamp = 0;
};

std::optional<LineHead> read_head(std::string_view text) {
  LineHead head;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto read = [&](auto& value, char then) {
    const auto [after, error] = std::from_chars(at, end, value);
    if (error != std::errc() || after == end || *after != then) return false;
    at = after + 1;
    return true;
  };
  if (!read(head.connection, '-') || !read(head.number, '-') || !read(head.stamp, ' ')) return std::nullopt;
  return head;
}

// A load's line: its head, and `letters` letters that depend on all of it.
void write_text(const LineHead& head, std::size_t letters, std::string& text) {
  text.clear();
  fmt::format_to(std::back_inserter(text), "{}-{}-{} ", head.connection, head.number, head.stamp);
  const std::size_t head_bytes = text.size();
  text.resize(head_bytes + letters);
  const std::uint64_t request = SplitMix(static_cast<std::uint64_t>(head.stamp)).next() + head.number;
  fill_payload(std::as_writable_bytes(std::span(text)).subspan(head_bytes), head.connection, request, false);
}

class ChatExchange final : public Exchange {
 public:
  ChatExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : letters_(parameters.message_bytes), connection_(connection), heavy_(heavy) {}

  void stamp(std::int64_t number) override { stamp_ = number; }

  ClassIndex request(Output& out) override {
    write_text({connection_, answered_ + stamps_.size(), stamp_}, letters_, text_);
    stamps_.push_back(stamp_);
    out.append(heavy_ ? "HEAVY " : "SAY ");
    out.append(text_);
    out.append("\n");
    return say_class;
  }

  Reply reply(std::span<const std::byte> in) override {
    const auto line = first_line(in);
    // The longest line is one that was said, with the name of whoever said it.
    if (!line) return in.size() <= longest_line_bytes ? Reply{} : wrong("a line without an end");
    Reply reply = take_line(*line);
    if (reply.verdict != Verdict::wrong) reply.consumed = line->size() + 1;
    return reply;
  }

  bool may_speak_unasked() const override { return true; }

 private:
  struct Sender {
    std::uint64_t connection = 0;
    std::uint64_t next = 0;  // number of its next line
  };

  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  static constexpr std::size_t longest_line_bytes = max_chat_line_bytes + 64;

  Reply wrong(std::string why) {
    why_ = std::move(why);
    return {0, Verdict::wrong, why_};
  }

  Reply take_line(std::string_view line) {
    constexpr Reply heard{0, Verdict::pushed, {}};
    const auto [word, rest] = split_word(line);
    if (word == "SAID") return take_said(rest);
    if (word == "OK") return take_answer(rest);
    if (word == "JOINED" || word == "NOTICE") return heard;
    if (word == "LEFT") {
      const auto found = senders_.find(rest);
      if (found != senders_.end()) senders_.erase(found);
      return heard;
    }
    if (word == "NAMED") {
      const auto [name, new_name] = split_word(rest);
      const auto found = senders_.find(name);
      if (found == senders_.end()) return heard;
      auto node = senders_.extract(found);
      node.key() = new_name;
      senders_.insert(std::move(node));
      return heard;
    }
    if (word == "ERROR" || word == "LOST") return wrong(fmt::format("the server says: {}", line));
    return wrong("not a line of a chat");
  }

  Reply take_answer(std::string_view text) {
    if (stamps_.empty()) return wrong("an answer that no line asked for");
    write_text({connection_, answered_, stamps_.front()}, letters_, text_);
    if (text != text_) return wrong("an answer to another line");
    stamps_.pop_front();
    ++answered_;
    return {0, Verdict::complete, {}};
  }

  Reply take_said(std::string_view said) {
    const auto [name, text] = split_word(said);
    const auto head = read_head(text);
    if (!head) return wrong("a line that no load has said");
    write_text(*head, letters_, text_);
    if (text != text_) return wrong("wrong bytes in a line");
    auto found = senders_.find(name);
    if (found == senders_.end()) found = senders_.emplace(name, Sender{head->connection, head->number}).first;
    Sender& sender = found->second;
    if (head->connection != sender.connection || head->number != sender.next) {
      return wrong(fmt::format("line {} of connection {} where {} of {} was due", head->number, head->connection,
                               sender.next, sender.connection));
    }
    ++sender.next;
    return {.verdict = Verdict::pushed, .why = {}, .stamp = head->stamp, .kind = delivery_class};
  }

  std::size_t letters_;
  std::uint64_t connection_;
  bool heavy_;
  std::int64_t stamp_ = 0;
  std::deque<std::int64_t> stamps_;  // of the lines under way
  std::uint64_t answered_ = 0;
  std::unordered_map<std::string, Sender, Hash, std::equal_to<>> senders_;  // by their names
  std::string text_;                                                        // the last that was written
  std::string why_;
};

}  // namespace

std::unique_ptr<Exchange> make_chat_exchange(const ServiceParameters& parameters, std::uint64_t connection,
                                             bool heavy) {
  return std::make_unique<ChatExchange>(parameters, connection, heavy);
}

}  // namespace bench
