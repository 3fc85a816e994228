#include "workloads/output.h"

#include <algorithm>
#include <cstring>

namespace bench {

std::span<std::byte> Output::extend(std::size_t size) {
  if (size == 0) return {};
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
