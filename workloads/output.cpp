#include "workloads/output.h"

#include <algorithm>
#include <cstring>

namespace bench {
namespace {

// What may lie in the buffer although it has been sent.
constexpr std::size_t slack_bytes = 64 * 1024;
constexpr std::size_t slack_pieces = 64;

}  // namespace

// A peer that always leaves something pending would otherwise have the buffer keep every byte that was ever sent to it.
// Acts when what has been sent outnumbers what has to be moved.
void Output::forget_sent() {
  if (buffer_.size() <= 2 * pending_ + slack_bytes && first_ <= pieces_.size() / 2 + slack_pieces) return;
  std::size_t sent = buffer_.size();
  for (std::size_t i = first_; i < pieces_.size(); ++i) {
    if (!pieces_[i].borrowed) {
      sent = pieces_[i].offset;
      break;
    }
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(sent));
  pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  for (Piece& piece : pieces_) {
    if (!piece.borrowed) piece.offset -= sent;
  }
}

std::span<std::byte> Output::extend(std::size_t size) {
  if (size == 0) return {};
  forget_sent();
  const std::size_t offset = buffer_.size();
  buffer_.resize(offset + size);
  if (first_ < pieces_.size() && !pieces_.back().borrowed) {
    pieces_.back().size += size;
  } else {
    pieces_.push_back({nullptr, offset, size});
  }
  pending_ += size;
  return std::span(buffer_).subspan(offset);
}

void Output::append(std::span<const std::byte> bytes) {
  if (!bytes.empty()) std::memcpy(extend(bytes.size()).data(), bytes.data(), bytes.size());
}

void Output::borrow(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  forget_sent();
  pieces_.push_back({bytes.data(), 0, bytes.size()});
  pending_ += bytes.size();
}

std::span<const iovec> Output::gather(std::span<iovec> vectors) const noexcept {
  std::size_t filled = 0;
  for (std::size_t i = first_; i < pieces_.size() && filled < vectors.size(); ++i) {
    const Piece& piece = pieces_[i];
    const std::byte* data = piece.borrowed ? piece.borrowed : buffer_.data() + piece.offset;
    vectors[filled++] = {const_cast<std::byte*>(data), piece.size};  // iovec serves for reading too
  }
  return vectors.first(filled);
}

void Output::consume(std::size_t size) noexcept {
  pending_ -= size;
  if (pending_ == 0) return clear();
  while (size != 0) {
    Piece& piece = pieces_[first_];
    const std::size_t taken = std::min(size, piece.size);
    if (piece.borrowed) {
      piece.borrowed += taken;
    } else {
      piece.offset += taken;
    }
    piece.size -= taken;
    size -= taken;
    if (piece.size == 0) ++first_;
  }
}

void Output::clear() noexcept {
  buffer_.clear();
  pieces_.clear();
  first_ = 0;
  pending_ = 0;
}

}  // namespace bench
