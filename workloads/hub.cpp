#include "workloads/hub.h"

#include <algorithm>
#include <mutex>

namespace bench {

bool Hub::publish(std::span<const std::byte> message) noexcept {
  if (sizeof(Length) + message.size() > size_) return false;
  append(message);
  ring_(*this);
  return true;
}

void Hub::append(std::span<const std::byte> message) noexcept {
  const std::size_t needed = sizeof(Length) + message.size();
  const std::lock_guard lock(guard_);
  const Place end = end_.load(std::memory_order_relaxed);
  while (end - begin_ + needed > size_) begin_ += sizeof(Length) + length_at(begin_);
  const auto length = static_cast<Length>(message.size());
  write(end, std::as_bytes(std::span(&length, 1)));
  write(end + sizeof length, message);
  end_.store(end + needed);
}

Hub::Mail Hub::next(Place& place, std::vector<std::byte>& message) {
  if (place == end()) return Mail::nothing;
  const std::lock_guard lock(guard_);
  if (place < begin_) return Mail::lost;
  message.resize(length_at(place));
  read(place + sizeof(Length), message);
  place += sizeof(Length) + message.size();
  return Mail::message;
}

void Hub::write(Place place, std::span<const std::byte> bytes) noexcept {
  const std::size_t at = place % size_;
  const std::size_t before_the_end = std::min(bytes.size(), size_ - at);
  std::ranges::copy(bytes.first(before_the_end), log_ + at);
  std::ranges::copy(bytes.subspan(before_the_end), log_);
}

void Hub::read(Place place, std::span<std::byte> bytes) const noexcept {
  const std::size_t at = place % size_;
  const std::size_t before_the_end = std::min(bytes.size(), size_ - at);
  std::copy_n(log_ + at, before_the_end, bytes.begin());
  std::copy_n(log_, bytes.size() - before_the_end, bytes.begin() + static_cast<std::ptrdiff_t>(before_the_end));
}

Hub::Length Hub::length_at(Place place) const noexcept {
  Length length = 0;
  read(place, std::as_writable_bytes(std::span(&length, 1)));
  return length;
}

}  // namespace bench
