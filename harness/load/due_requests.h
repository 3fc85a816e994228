// What is due in an open loop, and to whom.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "harness/load/schedule.h"

namespace bench {

/// Requests that fall due to a number of users, each of whom has a schedule of its own, and those that are due and not
/// taken yet: owed. An owed request takes no memory, since a second copy of its user's schedule follows the first.
class DueRequests {
 public:
  /// Nothing is ever due.
  DueRequests() = default;

  /// `rate` requests per second of all users together. constant: at equal distances, to one user after the other in the
  /// order of `users`, which holds each number below its size once, the first at `phase` of a distance. poisson: to
  /// each user at random times of its own, which depend on `seed` alone. Nothing is due before begin(): making it takes
  /// long where there are many users.
  DueRequests(Arrivals arrivals, double rate, double phase, std::uint64_t seed, const std::vector<std::uint32_t>& users)
      : users_(users.size()) {
    const auto count = static_cast<double>(users.size());
    std::vector<Next> next;
    for (std::size_t place = 0; place < users.size(); ++place) {
      const Schedule schedule(arrivals, rate / count, (phase + static_cast<double>(place)) / count,
                              (seed * users.size() + place) * 0xD1B54A32D192ED03U, 0);
      users_[users[place]] = {schedule, schedule, 0};
      next.emplace_back(schedule.next_ns(), users[place]);
    }
    next_ = Queue(std::greater<>(), std::move(next));
  }

  void begin(std::int64_t begin_ns) noexcept { begin_ns_ = begin_ns; }

  /// When the next request falls due, to whomever.
  std::int64_t next_ns() const noexcept { return next_.empty() ? INT64_MAX : begin_ns_ + next_.top().first; }

  /// The user to whom that one falls due; owes it from now on.
  std::uint32_t fall_due() {
    const std::uint32_t user = next_.top().second;
    next_.pop();
    Schedule& schedule = users_[user].falling_due;
    schedule.advance();
    next_.emplace(schedule.next_ns(), user);
    ++users_[user].owed;
    ++owed_;
    return user;
  }

  std::uint64_t owed() const noexcept { return owed_; }
  bool owes(std::uint32_t user) const noexcept { return user < users_.size() && users_[user].owed != 0; }

  /// When the oldest that a user owes was due; is owed no longer.
  std::int64_t take(std::uint32_t user) noexcept {
    const std::int64_t due_ns = begin_ns_ + users_[user].owed_from.next_ns();
    users_[user].owed_from.advance();
    --users_[user].owed;
    --owed_;
    return due_ns;
  }

 private:
  struct User {
    Schedule falling_due;
    Schedule owed_from;
    std::uint64_t owed = 0;
  };
  using Next = std::pair<std::int64_t, std::uint32_t>;
  using Queue = std::priority_queue<Next, std::vector<Next>, std::greater<>>;

  std::vector<User> users_;
  Queue next_;
  std::uint64_t owed_ = 0;
  std::int64_t begin_ns_ = INT64_MAX / 2;
};

}  // namespace bench
