#include "workloads/transfer_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "workloads/digest.h"

namespace bench {

std::string framed(const Head& head) {
  const std::string text = head.dump();
  std::string message(head_length_bytes, '\0');
  write_big_endian(std::as_writable_bytes(std::span(message)), static_cast<std::uint32_t>(text.size()));
  return message + text;
}

const Head& field(const Head& head, std::string_view name) {
  static const Head none;
  if (!head.is_object()) return none;
  const auto found = head.find(name);
  return found == head.end() ? none : *found;
}

Head get_reply(std::string_view name, std::uint64_t size, std::string_view checksum) {
  return {{"status", "ok"}, {"name", name}, {"size", size}, {"checksum", checksum}};
}

Head put_reply(std::string_view name, std::string_view checksum) {
  return {{"status", "ok"}, {"name", name}, {"checksum", checksum}};
}

std::string checksum_text(std::uint64_t digest) { return fmt::format("{:016x}", digest); }

GeneratedFile::GeneratedFile(std::string_view name) noexcept
    : random_([&] {
        Digest digest;
        digest.add(std::as_bytes(std::span(name)));
        return digest.value();
      }()) {}

void GeneratedFile::read(std::span<std::byte> room) noexcept {
  while (true) {
    const std::size_t size = std::min(word_left_, room.size());
    std::copy_n(word_.end() - static_cast<std::ptrdiff_t>(word_left_), size, room.begin());
    word_left_ -= size;
    room = room.subspan(size);
    std::uint64_t letters = 0;
    for (; room.size() >= sizeof letters; room = room.subspan(sizeof letters)) {
      letters = random_.next_letters();
      std::memcpy(room.data(), &letters, sizeof letters);
    }
    if (room.empty()) return;
    letters = random_.next_letters();
    std::memcpy(word_.data(), &letters, sizeof letters);
    word_left_ = word_.size();
  }
}

std::string checksum_of_file(std::string_view name, std::uint64_t size) {
  GeneratedFile file(name);
  Digest digest;
  std::array<std::byte, 4096> piece;
  while (size != 0) {
    const auto some = std::span(piece).first(std::min<std::uint64_t>(size, piece.size()));
    file.read(some);
    digest.add(some);
    size -= some.size();
  }
  return checksum_text(digest.value());
}

}  // namespace bench
