#include "measure/job_run.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <system_error>
#include <utility>

namespace bench {

JobRun::SharedState::SharedState(std::size_t size, std::uint32_t tasks, std::uint32_t loops)
    : memory(std::max<std::size_t>(size, 1)), bytes(size), waiting(tasks), inboxes(loops) {
  for (Inbox& inbox : inboxes.span()) inbox.fd = -1;
  for (Inbox& inbox : inboxes.span()) {
    inbox.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (inbox.fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd of a loop's inbox");
  }
}

JobRun::SharedState::~SharedState() {
  for (const Inbox& inbox : inboxes.span()) {
    if (inbox.fd >= 0) close(inbox.fd);
  }
}

JobRun::JobRun(const Job& job, Batch batch, std::uint32_t workers, RunLength length, RunReport& report,
               std::uint64_t stack_bytes, std::uint32_t loops)
    : Run(report),
      job_(job),
      batch_(std::move(batch)),
      workers_(workers),
      stack_bytes_(stack_bytes),
      length_(length),
      memory_(batch_.tasks),
      records_(memory_->span()),
      outcomes_(batch_.tasks) {
  made_tasks_.reserve(batch_.tasks);
  for (std::uint32_t index = 0; index < batch_.tasks; ++index) {
    made_tasks_.push_back({.batch = batch_, .index = index, .outcome = records_[index].outcome});
  }
  tasks_ = made_tasks_;
  if (!job.state_bytes) return;
  shared_.emplace(job.state_bytes(batch_), batch_.tasks, loops);
  shared_of_all_ = &*shared_;
  waiting_ = shared_->waiting.span();
  batch_.state = shared_->memory.data();
}

JobRun::JobRun(const JobRun& whole, const JobPart& part, BatchGate& gate)
    : Run(whole),
      job_(whole.job_),
      batch_(whole.batch_),
      workers_(part.workers),
      stack_bytes_(whole.stack_bytes_),
      first_(whole.first_),
      copy_(part.number),
      gate_(&gate) {
  const auto begin_of = [&](std::uint64_t number) { return std::size_t{whole.tasks() * number / part.of}; };
  const std::size_t begin = begin_of(part.number);
  first_ += static_cast<std::uint32_t>(begin);
  records_ = whole.records_.subspan(begin, begin_of(part.number + 1) - begin);
  tasks_ = whole.tasks_.subspan(begin, records_.size());
  shared_of_all_ = whole.shared_of_all_;
  if (whole.shares()) waiting_ = whole.waiting_.subspan(begin, records_.size());
}

bool JobRun::next_batch() {
  if (gate_) return next_part();
  const std::int64_t now = now_ns();
  if (batches_begun_ == 0) {
    run_begun_ns_ = now;
  } else {
    finish_batch(now);
    // Very short batches spend more time between than in them: ten times the minimum is the most a run may last.
    const bool long_enough = report().job.wall_ns >= length_.minimum_ns ||
                             (report().job.batches > 0 && now - run_begun_ns_ >= 10 * length_.minimum_ns);
    if (long_enough || batches_begun_ == length_.max_batches) return false;
  }
  ++batches_begun_;
  begin_batch();
  usage_before_ = own_tree_usage(Edge::begin);
  batch_begun_ns_ = now_ns();
  return true;
}

void JobRun::begin_batch() {
  std::ranges::fill(records_, TaskRecord{});
  if (needs_scratch(job_, batch_) && job_.fill_scratch) fill_scratch();
  if (!shared_) return;
  std::memset(shared_->memory.data(), 0, shared_->bytes);
  if (job_.prepare) job_.prepare(batch_);
}

// Units of a pool are alive already: nobody above could end them.
void JobRun::fill_scratch() noexcept try { job_.fill_scratch(batch_); } catch (const std::exception& error) {
  fail(error.what());
}

Inbox* JobRun::take_inbox() noexcept {
  if (!shared_of_all_) return nullptr;
  const std::uint32_t number = shared_of_all_->inboxes_taken[0].fetch_add(1);
  if (number >= shared_of_all_->inboxes.span().size())
    fail("more loops than inboxes: does the model's row say that it has loops?");
  return &shared_of_all_->inboxes[number];
}

void JobRun::bind(Script& script, std::uint32_t index, const Home& home) noexcept {
  Waiting& waiting = waiting_[index];
  waiting.state.store(Waiting::running);
  waiting.deliver = home.deliver;
  waiting.home = home.at;
  waiting.task = index;
  script.bind(waiting);
}

// A copy without tasks goes through the batches here.
bool JobRun::next_part() {
  bool goes_on = false;
  do {
    goes_on = gate_->pass(copy_, batches_begun_++ != 0);
  } while (goes_on && records_.empty());
  return goes_on;
}

void JobRun::finish_batch(std::int64_t end_ns) {
  const TreeUsage usage = own_tree_usage(Edge::end) - usage_before_;
  check_times();
  std::ranges::transform(records_, outcomes_.begin(), &TaskRecord::outcome);
  if (const auto wrong = job_.check(batch_, outcomes_)) fail(*wrong);

  JobMeasurement& measured = report().job;
  const std::int64_t wall_ns = end_ns - batch_begun_ns_;
  if (batches_begun_ == 1 && wall_ns < length_.minimum_ns && length_.max_batches != 1) {
    measured.warmup_batches = 1;
    return;
  }
  ++measured.batches;
  measured.wall_ns += wall_ns;
  measured.usage += usage;
  record_times(measured);
  record_tallies(measured);
}

// A model may not lose a task, run it outside its batch, or cut its wait short.
void JobRun::check_times() noexcept {
  for (std::uint32_t index = 0; index < batch_.tasks; ++index) {
    const TaskRecord& record = records_[index];
    if (record.times_begun != 1) fail(fmt::format("task {} was begun {} times, not once", index, record.times_begun));
    if (record.finished_ns == 0) fail(fmt::format("task {} was started and never ended", index));
    if (record.started_ns < batch_begun_ns_) fail(fmt::format("task {} ran outside its batch", index));
    const std::int64_t lasted_ns = record.finished_ns - record.started_ns;
    if (job_.each_waits && lasted_ns < batch_.wait_of(index).count()) {
      fail(fmt::format("task {} lasted {} ns and so cut its wait of {} ns short", index, lasted_ns,
                       batch_.wait_of(index).count()));
    }
  }
}

void JobRun::record_times(JobMeasurement& measured) const noexcept {
  for (const TaskRecord& record : records_) {
    measured.latency.record(record.finished_ns - batch_begun_ns_);
    measured.start_delay.record(record.started_ns - batch_begun_ns_);
    measured.service.record(record.finished_ns - record.started_ns);
  }
}

void JobRun::record_tallies(JobMeasurement& measured) const {
  if (job_.count) {
    std::array<std::uint64_t, max_tallies> counts{};
    job_.count(batch_, outcomes_, std::span(counts).first(job_.tallies.size()));
    std::ranges::transform(measured.tallies, counts, measured.tallies.begin(), std::plus());
  }
  const std::string remark = job_.remark ? job_.remark(batch_) : std::string();
  if (!remark.empty()) *fmt::format_to_n(measured.remark, sizeof measured.remark - 1, "{}", remark).out = 0;
}

void JobRun::fail_task(std::uint32_t index) noexcept { fail_with_exception(fmt::format("task {}", first_ + index)); }

}  // namespace bench
