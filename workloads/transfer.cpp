// `transfer`: the notes' framed file transfer. TCP has no message boundaries, so each message brings its own: a 4-byte
// big-endian length, a head of as many bytes, a JSON object, and then the bytes of the file that the head announces.
//
//   {"op":"put","name":"a.txt","size":5,"checksum":"26c7827d889f6da3"} and 5 bytes
//       -> {"status":"ok","name":"a.txt","checksum":"26c7827d889f6da3"}
//   {"op":"get","name":"a.txt","size":5}
//       -> {"status":"ok","name":"a.txt","size":5,"checksum":"..."} and 5 bytes
//   anything else
//       -> {"status":"error","reason":"..."}, and the connection is closed: nobody knows where the next head begins
//
// The checksum is XXH64 over the file, in hexadecimal, as `xxhsum -H64` prints it. Nothing is kept: of a file that is
// put, size and checksum are checked as its bytes pass by; one that is got is made up from its name. So no connection
// holds a file whole, in either direction. "heavy":true marks a request as heavy. Other members of a head are skipped.
#include <fmt/format.h>

#include <algorithm>

#include "workloads/digest.h"
#include "workloads/service.h"
#include "workloads/transfer_client.h"
#include "workloads/transfer_format.h"

namespace bench {
namespace {

constexpr std::size_t max_name_bytes = 255;  // as of a file: NAME_MAX
constexpr std::size_t chunk_bytes = 16 * 1024;

static_assert(head_length_bytes + max_head_bytes <= max_unconsumed);

// What a head asks for.
struct Request {
  bool put = false;
  bool heavy = false;
  std::string name;
  std::uint64_t size = 0;
  std::string checksum;  // of a put
};

// Reads a head; returns what is wrong with it, or nothing.
std::string read_request(std::string_view text, Request& request) {
  const Head head = Head::parse(text, nullptr, false);
  if (!head.is_object()) return "the head is not a JSON object";
  const Head& op = field(head, "op");
  if (op != "get" && op != "put") return "\"op\" has to be \"get\" or \"put\"";
  request.put = op == "put";
  const Head& name = field(head, "name");
  if (!name.is_string()) return "\"name\" has to be a string";
  request.name = name.get_ref<const std::string&>();
  if (request.name.empty() || request.name.size() > max_name_bytes) {
    return fmt::format("\"name\" has to have 1 to {} bytes", max_name_bytes);
  }
  const Head& size = field(head, "size");
  if (!size.is_number_unsigned() || size.get<std::uint64_t>() > max_file_bytes) {
    return fmt::format("\"size\" has to be a whole number from 0 to {}", max_file_bytes);
  }
  request.size = size.get<std::uint64_t>();
  const Head& checksum = field(head, "checksum");
  if (request.put && !checksum.is_string()) return "\"checksum\" has to be a string";
  if (request.put) request.checksum = checksum.get_ref<const std::string&>();
  const Head& heavy = field(head, "heavy");
  if (!heavy.is_null() && !heavy.is_boolean()) return "\"heavy\" has to be true or false";
  request.heavy = heavy == true;
  return {};
}

class TransferSession final : public Session {
 public:
  explicit TransferSession(const ServiceContext& context) : extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    std::size_t consumed = 0;
    while (true) {
      std::string wrong;
      if (stage_ == Stage::head) wrong = take_head(in, consumed);
      if (stage_ == Stage::upload) wrong = take_file(in, consumed);
      if (!wrong.empty()) return refuse(wrong, in, out);
      if (stage_ == Stage::head || stage_ == Stage::upload) break;
      if (stage_ == Stage::answer) {
        if (request_.heavy) {
          const Step extra = extras_.next();
          if (extra.next != Next::read) return {consumed, extra.next, extra.amount};
        }
        answer(out);
      }
      if (stage_ == Stage::download) send_file(out);
      if (out.pending() > high_water_bytes) return {consumed, Next::drain};
    }
    if (why != Why::end && why != Why::timed_out) return {consumed};
    const bool has_begun = stage_ == Stage::upload || consumed != in.size();
    if (has_begun) return refuse("the message is not complete", in, out);
    return {consumed, Next::close};
  }

 private:
  enum class Stage : std::uint8_t { head, upload, answer, download };

  // Takes the next head if it has come whole. Returns what is wrong.
  std::string take_head(std::span<const std::byte> in, std::size_t& consumed) {
    const auto rest = in.subspan(consumed);
    if (rest.size() < head_length_bytes) return {};
    const std::size_t size = read_big_endian<std::uint32_t>(rest.first(head_length_bytes));
    if (size > max_head_bytes) return fmt::format("a head has at most {} bytes", max_head_bytes);
    if (rest.size() < head_length_bytes + size) return {};
    const auto head = rest.subspan(head_length_bytes, size);
    std::string wrong = read_request({reinterpret_cast<const char*>(head.data()), size}, request_);
    if (!wrong.empty()) return wrong;
    consumed += head_length_bytes + size;
    left_ = request_.size;
    digest_.reset();
    extras_.reset();
    stage_ = request_.put ? Stage::upload : Stage::answer;
    return {};
  }

  // Takes what has come of a file that is put. Returns what is wrong.
  std::string take_file(std::span<const std::byte> in, std::size_t& consumed) {
    const auto bytes = in.subspan(consumed, std::min<std::uint64_t>(left_, in.size() - consumed));
    digest_.add(bytes);
    consumed += bytes.size();
    left_ -= bytes.size();
    if (left_ != 0) return {};
    const std::string checksum = checksum_text(digest_.value());
    if (request_.checksum != checksum) return fmt::format("the checksum of what has come is {}", checksum);
    stage_ = Stage::answer;
    return {};
  }

  void answer(Output& out) {
    if (request_.put) {
      out.append(framed(put_reply(request_.name, request_.checksum)));
      stage_ = Stage::head;
      return;
    }
    out.append(framed(get_reply(request_.name, request_.size, checksum_of_file(request_.name, request_.size))));
    file_ = GeneratedFile(request_.name);
    stage_ = Stage::download;
  }

  // As much of a file that is got as may be pending.
  void send_file(Output& out) {
    while (left_ != 0 && out.pending() <= high_water_bytes) {
      const std::size_t size = std::min<std::uint64_t>(left_, chunk_bytes);
      file_.read(out.extend(size));
      left_ -= size;
    }
    if (left_ == 0) stage_ = Stage::head;
  }

  static Step refuse(const std::string& reason, std::span<const std::byte> in, Output& out) {
    out.append(framed({{"status", "error"}, {"reason", reason}}));
    return {in.size(), Next::close};
  }

  Extras extras_;
  Stage stage_ = Stage::head;
  Request request_;
  std::uint64_t left_ = 0;  // of the file
  Digest digest_;           // of a file that is put
  GeneratedFile file_{""};  // that is got
};

std::unique_ptr<Session> open(const ServiceContext& context) { return std::make_unique<TransferSession>(context); }

constexpr auto parameters = std::to_array<Parameter>({
    message_size_parameter("64KiB", max_file_bytes, "bytes of each file, without its head"),
});

}  // namespace

extern constinit const Service transfer_service{
    .name = "transfer",
    .summary = "TCP: files up and down behind a framed JSON head, with checksums",
    .scheme = {.name = "transfer"},
    .parameters = parameters,
    .classes = transfer_classes,
    .open = open,
    .exchange = make_transfer_exchange,
};

}  // namespace bench
