// What pollers without a kernel object of their own keep: their descriptors, side by side.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace bench {

/// Entries with a member `fd` in one array without gaps, each found by its descriptor in constant time.
template <typename Entry>
class FdList {
 public:
  std::span<Entry> all() noexcept { return entries_; }

  Entry& operator[](int fd) noexcept { return entries_[places_[static_cast<std::size_t>(fd)]]; }

  /// Adds an entry whose descriptor is not there yet.
  void add(const Entry& entry) {
    const auto slot = static_cast<std::size_t>(entry.fd);
    if (places_.size() <= slot) places_.resize(slot + 1);
    places_[slot] = entries_.size();
    entries_.push_back(entry);
  }

  /// Takes out the entry of `fd`; the last one takes its place.
  void remove(int fd) noexcept {
    places_[static_cast<std::size_t>(entries_.back().fd)] = places_[static_cast<std::size_t>(fd)];
    (*this)[fd] = entries_.back();
    entries_.pop_back();
  }

 private:
  std::vector<Entry> entries_;
  std::vector<std::size_t> places_;  // by descriptor
};

}  // namespace bench
