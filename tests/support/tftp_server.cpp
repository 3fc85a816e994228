#include "tests/support/tftp_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "tests/support/conversation.h"
#include "workloads/tftp_file.h"

namespace bench {
namespace {

std::string texts(tftp::Opcode opcode, std::string_view rest) {
  std::string packet{'\0', static_cast<char>(opcode)};
  packet += rest;
  std::replace(packet.begin() + 2, packet.end(), '|', '\0');
  return packet;
}

}  // namespace

const Service& tftp_row() {
  const auto services = all_services();
  return *std::ranges::find(services, "tftp", &Service::name);
}

ServiceContext tftp_context(std::uint64_t file_bytes, std::uint64_t block_bytes, bool dallies) {
  Parameters own;
  own.set(*find_parameter(tftp_row().parameters, "blksize"), block_bytes);
  own.set(*find_parameter(tftp_row().parameters, "dally"), std::uint64_t{dallies});
  return {.parameters = {.message_bytes = file_bytes, .own = own}, .model = "epoll"};
}

std::string numbered(tftp::Opcode opcode, unsigned number, std::string_view rest) {
  std::string packet{'\0', static_cast<char>(opcode), static_cast<char>(number >> 8), static_cast<char>(number)};
  return packet.append(rest);
}

std::string ack(unsigned block) { return numbered(tftp::Opcode::acknowledgement, block); }
std::string data(unsigned block, std::string_view bytes) { return numbered(tftp::Opcode::data, block, bytes); }
std::string reads(std::string_view rest) { return texts(tftp::Opcode::read_request, rest); }
std::string writes(std::string_view rest) { return texts(tftp::Opcode::write_request, rest); }
std::string granted(std::string_view rest) { return texts(tftp::Opcode::options, rest); }

std::string content(std::string_view name, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  tftp::File::named(name)->fill(offset, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

std::string TftpServer::call(Why why, std::string_view datagram) {
  Output out;
  step_ = session_->advance(why, bytes_of(datagram), out);
  EXPECT_EQ(step_.consumed, datagram.size());
  return take(out);
}

}  // namespace bench
