// The client's side of `ftp`: of six requests one is a LIST, one a PUT, and four are GETs, by turns of what the store
// was filled with and of what this connection has put. Which is which follows from connection and request number.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "workloads/file_contents.h"
#include "workloads/ftp.h"
#include "workloads/ftp_protocol.h"

namespace bench {
namespace {

constexpr std::array turns{FtpClass::get, FtpClass::get, FtpClass::put, FtpClass::get, FtpClass::list, FtpClass::get};

// What one request asks for.
struct Asked {
  FtpClass kind = FtpClass::get;
  std::string name{};
  bool own = false;          // a GET of what the connection has put
  std::uint64_t stamp = 0;   // of the file that is sent, or is due
  std::uint64_t filled = 0;  // of a GET of the others, which
};

// The requests of a connection, in order; one for those that are sent and one for those that are answered.
class Requests {
 public:
  Requests(std::uint64_t connection, std::uint64_t files) : connection_(connection), files_(files) {}

  Asked next() {
    const std::uint64_t number = number_++;
    Asked asked{.kind = turns[(connection_ + number) % turns.size()]};
    if (asked.kind == FtpClass::put) {
      asked.name = ftp_put_name(connection_);
      asked.stamp = ftp_put_stamp(connection_, ++puts_);
    } else if (asked.kind == FtpClass::get && puts_ != 0 && number % 2 == 0) {
      asked.own = true;
      asked.name = ftp_put_name(connection_);
      asked.stamp = ftp_put_stamp(connection_, puts_);
    } else if (asked.kind == FtpClass::get) {
      const std::uint64_t file = (connection_ + number) % files_;
      asked.name = ftp_filled_name(file);
      asked.stamp = ftp_filled_stamp(file);
    }
    return asked;
  }

  // Whether the connection has put anything yet.
  bool has_put() const { return puts_ != 0; }

 private:
  std::uint64_t connection_;
  std::uint64_t files_;
  std::uint64_t number_ = 0;
  std::uint64_t puts_ = 0;
};

class FtpExchange final : public Exchange {
 public:
  FtpExchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy)
      : connection_(connection),
        size_(parameters.message_bytes),
        files_(ftp_filled_files(parameters)),
        heavy_(heavy),
        sent_(connection, files_),
        answered_(connection, files_) {}

  ClassIndex request(Output& out) override {
    const Asked asked = sent_.next();
    const std::string_view end = heavy_ ? " heavy\n" : "\n";
    switch (asked.kind) {
      case FtpClass::list: out.append(fmt::format("LIST{}", end)); break;
      case FtpClass::get: out.append(fmt::format("GET {}{}", asked.name, end)); break;
      case FtpClass::put:
        out.append(fmt::format("PUT {} {}{}", asked.name, size_, end));
        FileContents(asked.stamp).fill(out.extend(size_), 0);
        break;
    }
    return static_cast<ClassIndex>(asked.kind);
  }

  Reply reply(std::span<const std::byte> in) override {
    Reply reply;
    if (in.empty()) return reply;
    if (!begun_) begin_reply();
    if (!status_seen_) {
      take_status(in, reply);
      if (!status_seen_) return reply;
    }
    const auto body = in.subspan(reply.consumed);
    switch (asked_.kind) {
      case FtpClass::list: take_lines(body, reply); break;
      case FtpClass::get: take_file(body, reply); break;
      case FtpClass::put: take_text(body, line_, reply); break;
    }
    if (reply.verdict == Verdict::more && seen_ == body_bytes_) end_reply(reply);
    return reply;
  }

 private:
  void begin_reply() {
    begun_ = true;
    asked_ = answered_.next();
    status_seen_ = false;
    seen_ = 0;
    line_ = ftp_list_line(size_, asked_.name);
    body_bytes_ = asked_.kind == FtpClass::put ? line_.size() : size_;
    filled_seen_ = 0;
    own_seen_ = false;
    last_name_.clear();
  }

  static void refuse(Reply& reply, std::string_view why) {
    reply.verdict = Verdict::wrong;
    reply.why = why;
  }

  // What the server says is wrong, when it has said all of it.
  void take_error(std::span<const std::byte> in, Reply& reply) {
    const auto end = std::ranges::find(in, std::byte{'\n'});
    if (end == in.end() && in.size() < max_ftp_line) return;
    why_.assign(reinterpret_cast<const char*>(in.data()), static_cast<std::size_t>(end - in.begin()));
    refuse(reply, why_);
  }

  void take_status(std::span<const std::byte> in, Reply& reply) {
    if (!in.empty() && in.front() == std::byte{'E'}) return take_error(in, reply);
    if (asked_.kind != FtpClass::list) {
      const std::string due = ftp_status(body_bytes_);
      const std::size_t size = std::min(due.size(), in.size());
      if (std::memcmp(due.data(), in.data(), size) != 0) return refuse(reply, "wrong status or size");
      if (size == due.size()) status_taken(size, reply);
      return;
    }
    constexpr std::size_t most = 24;
    const auto line = in.first(std::min(in.size(), most));
    const auto end = std::ranges::find(line, std::byte{'\n'});
    if (end == line.end() && line.size() < most) return;
    const std::string_view text(reinterpret_cast<const char*>(line.data()),
                                static_cast<std::size_t>(end - line.begin()));
    if (!text.starts_with("OK ") || !parse_ftp_number(text.substr(3), body_bytes_)) {
      return refuse(reply, "wrong status or size");
    }
    status_taken(text.size() + 1, reply);
  }

  void status_taken(std::size_t size, Reply& reply) {
    reply.consumed += size;
    status_seen_ = true;
  }

  void take(std::size_t size, Reply& reply) {
    reply.consumed += size;
    seen_ += size;
  }

  void take_text(std::span<const std::byte> in, std::string_view due, Reply& reply) {
    const std::string_view left = due.substr(static_cast<std::size_t>(seen_));
    const std::size_t size = std::min(left.size(), in.size());
    if (size != 0 && std::memcmp(left.data(), in.data(), size) != 0) return refuse(reply, "another file was put");
    take(size, reply);
  }

  void take_file(std::span<const std::byte> in, Reply& reply) {
    const auto bytes = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), size_ - seen_)));
    if (seen_ == 0 && asked_.own && size_ >= FileContents::stamp_bytes) {
      if (bytes.size() < FileContents::stamp_bytes) return;
      asked_.stamp = stamp_of_own(bytes.first<FileContents::stamp_bytes>());
    }
    if (!FileContents(asked_.stamp).matches(bytes, seen_)) return refuse(reply, "wrong bytes in the file");
    take(bytes.size(), reply);
  }

  // What was put last: by this connection, or by one that shares its name, which may have put meanwhile.
  std::uint64_t stamp_of_own(std::span<const std::byte, FileContents::stamp_bytes> first) const {
    const auto stamp = FileContents::stamp_in(first);
    if (!stamp) return asked_.stamp;
    const std::uint64_t writer = ftp_writer_of(*stamp);
    const bool shares = writer != connection_ && ftp_put_name(writer) == asked_.name;
    return shares && *stamp == ftp_put_stamp(writer, *stamp) ? *stamp : asked_.stamp;
  }

  void take_lines(std::span<const std::byte> in, Reply& reply) {
    std::string_view text(reinterpret_cast<const char*>(in.data()),
                          static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), body_bytes_ - seen_)));
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end == std::string_view::npos) {
        if (text.size() >= max_ftp_line || seen_ + text.size() == body_bytes_) refuse(reply, "no line of a list");
        return;
      }
      if (const std::string_view wrong = look_at_line(text.substr(0, end)); !wrong.empty()) {
        return refuse(reply, wrong);
      }
      text.remove_prefix(end + 1);
      take(end + 1, reply);
    }
  }

  // What is wrong with it.
  std::string_view look_at_line(std::string_view line) {
    const std::size_t space = line.find(' ');
    std::uint64_t size = 0;
    if (space == std::string_view::npos || !parse_ftp_number(line.substr(0, space), size)) return "no line of a list";
    const std::string_view name = line.substr(space + 1);
    if (!is_ftp_name(name)) return "a name in the list that no file may have";
    if (name <= last_name_) return "the list is not in order";
    last_name_ = name;
    const bool filled = filled_seen_ < files_ && name == ftp_filled_name(filled_seen_);
    const bool own = name == ftp_put_name(connection_);
    if (filled) ++filled_seen_;
    if (own) own_seen_ = true;
    const bool known = filled || (own && answered_.has_put());
    return known && size != size_ ? "a file of another size in the list" : "";
  }

  void end_reply(Reply& reply) {
    if (asked_.kind == FtpClass::list && (filled_seen_ != files_ || (answered_.has_put() && !own_seen_))) {
      return refuse(reply, "the list lacks a file");
    }
    reply.verdict = Verdict::complete;
    begun_ = false;
  }

  std::uint64_t connection_;
  std::uint64_t size_;  // of every file
  std::uint64_t files_;
  bool heavy_;
  Requests sent_;
  Requests answered_;

  // Of the reply that is due.
  bool begun_ = false;
  Asked asked_;
  bool status_seen_ = false;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t seen_ = 0;  // of the body
  std::string line_;        // of a PUT
  std::uint64_t filled_seen_ = 0;
  bool own_seen_ = false;
  std::string last_name_;
  std::string why_;
};

}  // namespace

std::unique_ptr<Exchange> make_ftp_exchange(const ServiceParameters& parameters, std::uint64_t connection, bool heavy) {
  return std::make_unique<FtpExchange>(parameters, connection, heavy);
}

}  // namespace bench
