#include "models/ring/ring.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

#include "measure/affinity.h"
#include "measure/clock.h"
#include "workloads/unique_fd.h"

namespace bench {
namespace {

constexpr unsigned submissions = 1024;
constexpr unsigned completions = 4 * submissions;
constexpr int buffer_group = 0;

std::system_error failure(int result, const char* what) { return {-result, std::generic_category(), what}; }

// What a busy kernel says: there is something to take first, or a signal came.
bool passes(int result) { return result == -EINTR || result == -EBUSY || result == -EAGAIN; }

std::string remedy(int error) {
  std::string seccomp = "a seccomp filter refuses it; in a container: --security-opt seccomp=unconfined";
  if (error == ENOMEM) return "raise `ulimit -l`";
  if (error == ENOSYS) return "the kernel is built without it, or " + seccomp;
  if (error != EPERM) return {};
  int disabled = 0;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> disabled;
  if (disabled == 0) return seccomp;
  return fmt::format("kernel.io_uring_disabled = {}; lift it with: sysctl kernel.io_uring_disabled=0 (as root)",
                     disabled);
}

// The kernel's own threads, which do what would block, may otherwise run on any CPU. Before Linux 5.14 they may.
void confine_workers(io_uring& ring) {
  const CpuSet cpus(available_cpu_numbers());
  io_uring_register_iowq_aff(&ring, cpus.bytes(), cpus.data());
}

}  // namespace

Ring::Ring() {
  // Completions wait until this thread asks for them, instead of interrupting it. An older kernel refuses the flags
  // that it does not know; in turn those of Linux 6.1, 6.0, 5.19, and none.
  constexpr unsigned one_thread = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN;
  constexpr std::array flag_sets{one_thread | IORING_SETUP_DEFER_TASKRUN, one_thread,
                                 unsigned{IORING_SETUP_COOP_TASKRUN}, 0U};
  int result = -EINVAL;
  for (std::size_t i = 0; i < flag_sets.size() && result == -EINVAL; ++i) {
    io_uring_params parameters{};
    parameters.flags = flag_sets[i] | IORING_SETUP_CQSIZE;
    parameters.cq_entries = completions;
    result = io_uring_queue_init_params(submissions, &ring_, &parameters);
  }
  if (result < 0) throw failure(result, "io_uring_setup");
  confine_workers(ring_);
}

io_uring_sqe* Ring::prepare(std::uint64_t tag) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  while (!entry) {
    submit();
    entry = io_uring_get_sqe(&ring_);
  }
  entry->user_data = tag;
  return entry;
}

void Ring::arm(std::uint64_t tag, std::int64_t deadline_ns, __kernel_timespec& room) {
  room = {.tv_sec = deadline_ns / second_ns, .tv_nsec = deadline_ns % second_ns};
  io_uring_prep_timeout(prepare(tag), &room, 0, IORING_TIMEOUT_ABS);
}

void Ring::submit() {
  const int result = io_uring_submit(&ring_);
  if (result < 0 && result != -EINTR) throw failure(result, "io_uring_enter");
}

void Ring::submit_and_wait() {
  const int result = io_uring_submit_and_wait(&ring_, 1);
  if (result < 0 && !passes(result)) throw failure(result, "io_uring_enter");
  left_ = io_uring_cq_ready(&ring_);
}

void Ring::submit_and_look() {
  const int result = io_uring_submit_and_get_events(&ring_);
  if (result < 0 && !passes(result)) throw failure(result, "io_uring_enter");
  left_ = io_uring_cq_ready(&ring_);
}

bool Ring::take(Completion& completion) noexcept {
  if (left_ == 0) return false;
  --left_;
  io_uring_cqe* entry = nullptr;
  io_uring_peek_batch_cqe(&ring_, &entry, 1);
  completion = {.tag = entry->user_data, .result = entry->res, .flags = entry->flags};
  io_uring_cq_advance(&ring_, 1);
  return true;
}

BufferRing::BufferRing(Ring& ring, unsigned count, std::size_t size)
    : ring_(ring), count_(count), size_(size), bytes_(std::make_unique_for_overwrite<std::byte[]>(count * size)) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t pages = (count * sizeof(io_uring_buf) + page - 1) / page;
  entries_.reset(static_cast<io_uring_buf_ring*>(std::aligned_alloc(page, pages * page)));
  if (!entries_) throw std::bad_alloc();
  io_uring_buf_ring_init(entries_.get());
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_.get());
  registration.ring_entries = count;
  registration.bgid = buffer_group;
  const int result = io_uring_register_buf_ring(&ring_.ring_, &registration, 0);
  if (result < 0) throw failure(result, "io_uring_register a ring of buffers");
  for (unsigned number = 0; number < count; ++number) add(number);
}

BufferRing::~BufferRing() { io_uring_unregister_buf_ring(&ring_.ring_, buffer_group); }

void BufferRing::select(io_uring_sqe* submission) noexcept {
  submission->flags |= IOSQE_BUFFER_SELECT;
  submission->buf_group = buffer_group;
}

std::span<std::byte> BufferRing::received(const Completion& completion) noexcept {
  if ((completion.flags & IORING_CQE_F_BUFFER) == 0 || completion.result <= 0) return {};
  return {at(completion.flags >> IORING_CQE_BUFFER_SHIFT), static_cast<std::size_t>(completion.result)};
}

void BufferRing::give_back(const Completion& completion) noexcept {
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) add(completion.flags >> IORING_CQE_BUFFER_SHIFT);
}

void BufferRing::add(unsigned number) noexcept {
  io_uring_buf_ring_add(entries_.get(), at(number), static_cast<unsigned>(size_), static_cast<std::uint16_t>(number),
                        io_uring_buf_ring_mask(count_), 0);
  io_uring_buf_ring_advance(entries_.get(), 1);
}

void Sending::prepare(Ring& ring, std::uint64_t tag, int socket, int flags) {
  const std::span<const iovec> filled = out.gather(vectors);
  io_uring_sqe* submission = ring.prepare(tag);
  if (filled.size() == 1 && !message.msg_name) {
    io_uring_prep_send(submission, socket, filled[0].iov_base, filled[0].iov_len, flags | MSG_NOSIGNAL);
  } else {
    message.msg_iov = vectors.data();
    message.msg_iovlen = filled.size();
    io_uring_prep_sendmsg(submission, socket, &message, static_cast<unsigned>(flags | MSG_NOSIGNAL));
  }
}

bool has_multishot() {
  Ring ring;
  std::unique_ptr<BufferRing> buffers;
  try {
    buffers = std::make_unique<BufferRing>(ring, 1, 1);
  } catch (const std::system_error& error) {
    if (error.code().value() != EINVAL) throw;
    return false;
  }
  // Of what is used, a multishot receive came last; whether there is one shows only when it is tried.
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) throw failure(-errno, "socketpair");
  const UniqueFd receiver(ends[0]);
  const UniqueFd sender(ends[1]);
  if (write(sender.get(), "", 1) != 1) throw failure(-errno, "write to a socket");
  io_uring_sqe* receive = ring.prepare(0);
  io_uring_prep_recv_multishot(receive, receiver.get(), nullptr, 0, 0);
  BufferRing::select(receive);
  Completion tried;
  do {
    ring.submit_and_wait();
  } while (!ring.take(tried));
  return tried.result == 1;
}

std::string why_no_io_uring() {
  try {
    const Ring ring;
    return {};
  } catch (const std::system_error& error) {
    const std::string help = remedy(error.code().value());
    return help.empty() ? error.what() : fmt::format("{} ({})", error.what(), help);
  }
}

std::string io_uring_note() {
  try {
    if (has_multishot()) return {};
    return "serves without multishot accept and receive, which need Linux 6.0: a submission and a buffer for each";
  } catch (const std::system_error&) {
    return {};  // why_no_io_uring() has the reason
  }
}

}  // namespace bench
