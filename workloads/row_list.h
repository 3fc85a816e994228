// The tables of the program: ordered lists of pointers to rows, each of which stands at the end of its own file.
#pragma once

#include <cstddef>
#include <iterator>
#include <ranges>
#include <span>

namespace bench {

/// The rows of a table, in the order of every report. Rows and list outlive it.
template <typename Row>
class RowList {
 public:
  /// Goes through the rows themselves.
  class Iterator {
   public:
    using value_type = Row;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit constexpr Iterator(const Row* const* at) noexcept : at_(at) {}
    constexpr const Row& operator*() const noexcept { return **at_; }
    constexpr const Row* operator->() const noexcept { return *at_; }
    constexpr Iterator& operator++() noexcept {
      ++at_;
      return *this;
    }
    constexpr Iterator operator++(int) noexcept { return Iterator(at_++); }
    bool operator==(const Iterator&) const = default;

   private:
    const Row* const* at_ = nullptr;
  };
  static_assert(std::forward_iterator<Iterator>);

  constexpr RowList() = default;

  /// The rows that an array or a vector of pointers points at.
  template <typename List>
  requires std::constructible_from < std::span<const Row* const>,
  const List& > constexpr RowList(const List& rows) noexcept : rows_(rows) {}

  constexpr Iterator begin() const noexcept { return Iterator(rows_.data()); }
  constexpr Iterator end() const noexcept { return Iterator(rows_.data() + rows_.size()); }
  constexpr std::size_t size() const noexcept { return rows_.size(); }
  constexpr bool empty() const noexcept { return rows_.empty(); }
  constexpr const Row& front() const noexcept { return *rows_.front(); }

 private:
  std::span<const Row* const> rows_;
};

}  // namespace bench

// Its iterators outlive it.
template <typename Row>
inline constexpr bool std::ranges::enable_borrowed_range<bench::RowList<Row>> = true;
