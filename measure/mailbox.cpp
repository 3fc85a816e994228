#include "measure/mailbox.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <new>
#include <system_error>

#include "measure/clock.h"

namespace bench {
namespace {

// Before the hub's log.
constexpr std::size_t aligned(std::size_t bytes) {
  constexpr std::size_t unit = 64;
  return (bytes + unit - 1) / unit * unit;
}

// The calling thread's signal mask, with SIGURG blocked or not.
sigset_t mask_with_urgent(bool blocked) noexcept {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  blocked ? sigaddset(&mask, SIGURG) : sigdelset(&mask, SIGURG);
  return mask;
}

// Makes SIGURG end the sleep of the calling thread, and nothing else; blocked elsewhere, so that one which comes just
// before is not lost.
void be_woken_by_urgent() noexcept {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  sigaction(SIGURG, &action, nullptr);
  const sigset_t blocked = mask_with_urgent(true);
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

}  // namespace

HubMemory::HubMemory(std::size_t log_bytes, std::uint32_t loops)
    : memory_(aligned(sizeof(Shared)) + most_bells * sizeof(Bell) + log_bytes),
      bells_(reinterpret_cast<Bell*>(memory_.data() + aligned(sizeof(Shared)))) {
  std::byte* const log = memory_.data() + aligned(sizeof(Shared)) + most_bells * sizeof(Bell);
  shared_ =
      new (memory_.data()) Shared{.hub = Hub({log, log_bytes}, ring), .free_from = 0, .used_up_to = 0, .fds_taken = 0};
  for (std::uint32_t loop = 0; loop < loops; ++loop) {
    const UniqueFd& fd = fds_.emplace_back(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!fd.valid()) throw std::system_error(errno, std::generic_category(), "eventfd of a loop's mailbox");
  }
}

// The hub is the first of what lies there.
void HubMemory::ring(Hub& hub) {
  auto& shared = reinterpret_cast<Shared&>(hub);
  Bell* const bells = reinterpret_cast<Bell*>(reinterpret_cast<std::byte*>(&shared) + aligned(sizeof(Shared)));
  const std::uint32_t count = shared.used_up_to.load();
  for (Bell* bell = bells; bell != bells + count; ++bell) {
    std::uint32_t asleep = Bell::asleep;
    if (bell->state.load() != asleep || !bell->state.compare_exchange_strong(asleep, Bell::awake)) continue;
    const std::uint64_t unit = bell->unit.load();  // of who slept, or of who has the bell since, who is rung in vain
    const auto process = static_cast<pid_t>(unit >> 32);
    const auto number = static_cast<int>(unit);
    if (process == 0) {
      eventfd_write(number, 1);
    } else if (tgkill(process, number, SIGURG) != 0 && errno == ESRCH && bell->unit.load() == unit) {
      std::uint32_t awake = Bell::awake;  // its unit was killed
      bell->state.compare_exchange_strong(awake, Bell::unused);
    }
  }
}

HubMemory::Bell& HubMemory::take_bell() const {
  const std::uint32_t first = shared_->free_from.load();
  for (std::uint32_t i = 0; i < most_bells; ++i) {
    const auto number = static_cast<std::uint32_t>((first + i) % most_bells);
    std::uint32_t unused = Bell::unused;
    if (!bells_[number].state.compare_exchange_strong(unused, Bell::taken)) continue;
    shared_->free_from.store(number + 1);
    std::uint32_t used = shared_->used_up_to.load();
    while (used <= number && !shared_->used_up_to.compare_exchange_weak(used, number + 1)) {
    }
    return bells_[number];
  }
  throw std::system_error(EAGAIN, std::generic_category(), "a mailbox for one more unit");
}

void HubMemory::give_back(Bell& bell) const noexcept {
  bell.state.store(Bell::unused);
  const auto number = static_cast<std::uint32_t>(&bell - bells_);
  std::uint32_t from = shared_->free_from.load();
  while (number < from && !shared_->free_from.compare_exchange_weak(from, number)) {
  }
}

Mailbox::Mailbox(const HubMemory* memory, Sleeps sleeps) : memory_(memory) {
  if (!memory) return;
  if (sleeps == Sleeps::in_a_loop) {
    const std::uint32_t number = memory->shared_->fds_taken.fetch_add(1);
    if (number >= memory->fds_.size()) {
      throw std::system_error(EAGAIN, std::generic_category(), "a descriptor for one more loop");
    }
    bell_ = &memory->take_bell();
    bell_->unit.store(static_cast<std::uint32_t>(memory->fds_[number].get()));
  } else {
    bell_ = &memory->take_bell();
    bell_->unit.store(static_cast<std::uint64_t>(getpid()) << 32 | static_cast<std::uint32_t>(gettid()));
    be_woken_by_urgent();
    listening_ = mask_with_urgent(false);
  }
  taken_ = memory->hub().end();
  bell_->state.store(HubMemory::Bell::awake);
}

Mailbox::~Mailbox() {
  if (bell_) memory_->give_back(*bell_);
}

bool Mailbox::may_sleep() noexcept {
  if (!memory_) return true;
  bell_->state.store(HubMemory::Bell::asleep);
  if (memory_->hub().end() == taken_) return true;
  slept();
  return false;
}

void Mailbox::slept() noexcept {
  if (memory_) bell_->state.store(HubMemory::Bell::awake);
}

void Mailbox::drain() noexcept {
  eventfd_t count = 0;
  eventfd_read(fd(), &count);
}

Mailbox::Came Mailbox::wait_for_bytes(int socket, std::chrono::nanoseconds at_most) noexcept {
  const std::int64_t deadline_ns = now_ns() + at_most.count();
  while (may_sleep()) {
    const std::int64_t left_ns = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
    const timespec timeout{.tv_sec = left_ns / second_ns, .tv_nsec = left_ns % second_ns};
    pollfd watched{.fd = socket, .events = POLLIN, .revents = 0};
    const int ready = ppoll(&watched, 1, &timeout, &listening_);
    slept();
    if (ready > 0) return Came::bytes;
    if (ready == 0) return Came::nothing;
  }
  take();
  return Came::mail;
}

}  // namespace bench
