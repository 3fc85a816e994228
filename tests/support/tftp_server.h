// TFTP's packets as texts, and a session of the `tftp` service that hears them one by one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "workloads/service.h"
#include "workloads/tftp_packet.h"

namespace bench {

/// The row.
const Service& tftp_row();

/// What a session or a client is told.
ServiceContext tftp_context(std::uint64_t file_bytes, std::uint64_t block_bytes = 512, bool dallies = false);

/// A packet with a number: a block's, or that of an error.
std::string numbered(tftp::Opcode opcode, unsigned number, std::string_view rest = {});
std::string ack(unsigned block);
std::string data(unsigned block, std::string_view bytes);

/// A packet of texts, with "|" in the place of zeros: "file-1|octet|".
std::string reads(std::string_view rest);
std::string writes(std::string_view rest);
std::string granted(std::string_view rest);

/// Of the file of that name.
std::string content(std::string_view name, std::uint64_t offset, std::size_t size);

/// A session, and what it says to each datagram.
class TftpServer {
 public:
  explicit TftpServer(const ServiceContext& context = tftp_context(1))
      : context_(context), session_(tftp_row().open(context_)) {}

  /// What it answers; "" for nothing.
  std::string hears(std::string_view datagram) { return call(Why::data, datagram); }
  std::string waits() { return call(Why::timed_out, {}); }
  std::string resumes() { return call(Why::resumed, {}); }
  bool is_over() const { return step_.next == Next::close; }
  const Step& step() const { return step_; }

 private:
  std::string call(Why why, std::string_view datagram);

  ServiceContext context_;
  std::unique_ptr<Session> session_;
  Step step_;
};

}  // namespace bench
