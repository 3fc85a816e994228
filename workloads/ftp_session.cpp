// The server's side of `ftp`: one command after another, files in pieces, so that a connection holds one piece of a
// file and no more, and an idle one nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "workloads/file_contents.h"
#include "workloads/ftp.h"
#include "workloads/ftp_protocol.h"
#include "workloads/ftp_store.h"
#include "workloads/script.h"

namespace bench {
namespace {

constexpr std::size_t piece_bytes = 64 * 1024;

class FtpSession final : public Session {
 public:
  explicit FtpSession(const ServiceContext& context) : folder_(context.store.fd), extras_(context.parameters) {}

  Step advance(Why why, std::span<const std::byte> in, Output& out) override {
    in_ = in;
    used_ = 0;
    if (operation_under_way_) end_transfer(out);
    const Step step = go_on(out);
    // What is missing will not come.
    if (step.next == Next::read && (why == Why::end || why == Why::timed_out)) return {used_, Next::close};
    return step;
  }

 private:
  enum class Stage { command, extras, sending, receiving, skipping, over };

  Step go_on(Output& out) {
    while (true) {
      switch (stage_) {
        case Stage::command:
          if (out.pending() > high_water_bytes) return {used_, Next::drain};
          if (!read_command(out)) return {used_, Next::read};
          break;
        case Stage::extras: {
          const Step extra = extras_.next();
          if (command_.heavy && extra.next != Next::read) return {used_, extra.next, extra.amount};
          begin(out);
          break;
        }
        case Stage::sending:
          if (out.pending() > high_water_bytes) return {used_, Next::drain};
          return transfer(read_at(stored_.fd.get(), piece(stored_.size - moved_), offset()));
        case Stage::receiving:
          take_piece();
          // A piece is written when it is full or the last: a peer that sends little by little costs no call for each.
          if (filled_ != piece(command_.size - moved_).size()) return {used_, Next::read};
          return transfer(write_at(incoming_.fd(), std::span(buffer_).subspan(written_, filled_ - written_),
                                   offset() + static_cast<std::int64_t>(written_)));
        case Stage::skipping: {
          const std::uint64_t size = std::min<std::uint64_t>(command_.size - moved_, rest().size());
          used_ += static_cast<std::size_t>(size);
          moved_ += size;
          if (moved_ != command_.size) return {used_, Next::read};
          finish();
          break;
        }
        case Stage::over: return {used_, Next::close};
      }
    }
  }

  std::span<const std::byte> rest() const { return in_.subspan(used_); }

  std::int64_t offset() const { return static_cast<std::int64_t>(moved_); }

  // Room for the next piece of what is left; the buffer is as large as the first.
  std::span<std::byte> piece(std::uint64_t left) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, left));
    if (buffer_.size() < size) buffer_.resize(size);
    return std::span(buffer_).first(size);
  }

  // False where the line has not come whole.
  bool read_command(Output& out) {
    const auto line = rest().first(std::min(rest().size(), max_ftp_line));
    const auto end = std::ranges::find(line, std::byte{'\n'});
    if (end == line.end()) {
      if (line.size() < max_ftp_line) return false;
      refuse("the line is too long", out);
      stage_ = Stage::over;
      return true;
    }
    std::string_view text(reinterpret_cast<const char*>(line.data()), static_cast<std::size_t>(end - line.begin()));
    used_ += text.size() + 1;
    if (text.ends_with('\r')) text.remove_suffix(1);
    command_ = parse_ftp_command(text);
    moved_ = 0;
    stage_ = Stage::extras;
    return true;
  }

  void begin(Output& out) {
    if (!command_.refusal.empty()) return refuse(command_.refusal, out);
    switch (command_.verb) {
      case FtpVerb::list: return list(out);
      case FtpVerb::get: return begin_get(out);
      case FtpVerb::put: return begin_put(out);
      case FtpVerb::quit:
        out.append(ftp_status(0));
        stage_ = Stage::over;
        return;
    }
  }

  void refuse(std::string_view why, Output& out) {
    out.append(fmt::format("ERROR {}\n", why));
    if (command_.closes) {
      stage_ = Stage::over;
    } else if (command_.size != moved_) {
      stage_ = Stage::skipping;  // what the client sends of its file is no command
    } else {
      finish();
    }
  }

  void refuse(std::string_view what, int error, Output& out) {
    refuse(fmt::format("{}: {}", what, error == ENOSPC || error == EDQUOT ? "the store is full" : std::strerror(error)),
           out);
  }

  void finish() {
    stored_ = {};
    incoming_ = {};
    command_ = {};
    buffer_ = {};
    moved_ = filled_ = written_ = 0;
    extras_.reset();
    stage_ = Stage::command;
  }

  void list(Output& out) {
    try {
      const std::string lines = list_store(folder_);
      out.append(ftp_status(lines.size()));
      out.append(lines);
      finish();
    } catch (const std::system_error& error) {
      refuse(error.what(), out);
    }
  }

  // The reply begins with the first piece, since the bare status would be a packet of its own.
  void begin_get(Output& out) {
    stored_ = open_stored(folder_, command_.name);
    if (!stored_.refusal.empty()) return refuse(stored_.refusal, out);
    stage_ = Stage::sending;
    if (stored_.size != 0) return;
    out.append(ftp_status(0));
    finish();
  }

  void begin_put(Output& out) {
    try {
      const std::string_view full = why_store_is_full(folder_, command_.name, command_.size);
      if (!full.empty()) return refuse(full, out);
    } catch (const std::system_error& error) {
      return refuse(error.what(), out);
    }
    incoming_ = IncomingFile(folder_);
    if (incoming_.error() != 0) return refuse("make the file", incoming_.error(), out);
    stage_ = Stage::receiving;
    if (command_.size == 0) publish(out);
  }

  void take_piece() {
    const std::span<std::byte> room = piece(command_.size - moved_).subspan(filled_);
    const std::size_t size = std::min(room.size(), rest().size());
    std::copy_n(rest().begin(), size, room.begin());
    filled_ += size;
    used_ += size;
  }

  void publish(Output& out) {
    if (const int error = incoming_.publish(command_.name); error != 0) return refuse("name the file", error, out);
    const std::string line = ftp_list_line(command_.size, command_.name);
    out.append(ftp_status(line.size()));
    out.append(line);
    finish();
  }

  Step transfer(const Transfer& transfer) {
    operation_ = {.verb = Verb::transfer, .transfer = transfer};
    operation_under_way_ = true;
    return {used_, Next::transfer, 0, &operation_};
  }

  void end_transfer(Output& out) {
    operation_under_way_ = false;
    stage_ == Stage::sending ? end_read(out) : end_write(out);
  }

  void end_read(Output& out) {
    if (operation_.result <= 0) {
      // Cut short by somebody who does not go by this protocol, or unreadable. Once its size has been told, nothing but
      // the end of the connection can say so.
      if (moved_ == 0) return refuse("read the file", operation_.result == 0 ? EIO : error_of(operation_), out);
      stage_ = Stage::over;
      return;
    }
    const auto size = static_cast<std::size_t>(operation_.result);
    if (moved_ == 0) out.append(ftp_status(stored_.size));
    out.append(std::span(buffer_).first(size));
    moved_ += size;
    if (moved_ == stored_.size) finish();
  }

  void end_write(Output& out) {
    if (operation_.result <= 0) {
      const int error = operation_.result == 0 ? EIO : error_of(operation_);
      moved_ += filled_;  // have been taken from the connection
      incoming_ = {};
      return refuse("write the file", error, out);
    }
    written_ += static_cast<std::size_t>(operation_.result);
    if (written_ != filled_) return;
    moved_ += filled_;
    filled_ = written_ = 0;
    if (moved_ == command_.size) publish(out);
  }

  static int error_of(const Operation& operation) { return static_cast<int>(-operation.result); }

  int folder_;
  Extras extras_;
  Stage stage_ = Stage::command;
  FtpCommand command_;
  StoredFile stored_;        // of a GET
  IncomingFile incoming_;    // of a PUT
  std::uint64_t moved_ = 0;  // bytes of the file that are done with
  std::vector<std::byte> buffer_;
  std::size_t filled_ = 0;   // of the buffer, of a PUT
  std::size_t written_ = 0;  // of those
  Operation operation_;
  bool operation_under_way_ = false;
  std::span<const std::byte> in_;  // of this call
  std::size_t used_ = 0;           // of it
};

}  // namespace

std::unique_ptr<Session> open_ftp_session(const ServiceContext& context) {
  return std::make_unique<FtpSession>(context);
}

}  // namespace bench
