// The jobs of `libuv`: a task runs in callbacks, and a wait is a timer of its own.
#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "models/loop/parking.h"
#include "models/loop/poller.h"
#include "models/references/kept_flags.h"
#include "models/references/libuv.h"
#include "models/talk/transfer.h"

namespace bench::on_libuv {
namespace {

// The tasks that wait for others: looked after between two turns of the loop.
class ParkedTasks {
 public:
  // `resume(waiting)` lets a task go on that has been woken.
  ParkedTasks(JobRun& job, Loop& loop, std::function<void(Waiting&)> resume)
      : parking_(job), resume_(std::move(resume)) {
    if (!parking_.used()) return;
    uv_prepare_init(loop.get(), &before_);
    uv_check_init(loop.get(), &after_);
    uv_timer_init(loop.get(), &bound_);
    check(uv_poll_init(loop.get(), &alarm_, parking_.fd()), "uv_poll_init");
    for (uv_handle_t* handle : handles()) handle->data = this;
  }
  ~ParkedTasks() {
    if (!parking_.used()) return;
    for (uv_handle_t* handle : handles()) uv_close(handle, nullptr);
    uv_run(before_.loop, UV_RUN_DEFAULT);  // until they are closed
  }
  ParkedTasks(const ParkedTasks&) = delete;
  ParkedTasks& operator=(const ParkedTasks&) = delete;

  Parking& parking() noexcept { return parking_; }

  // The loop goes on until stop().
  void start() {
    if (!parking_.used()) return;
    uv_prepare_start(&before_, [](uv_prepare_t* handle) { of(handle).before_sleep(); });
    uv_check_start(&after_, [](uv_check_t* handle) { of(handle).parking_.slept(); });
    uv_poll_start(&alarm_, UV_READABLE, [](uv_poll_t* handle, int, int) { of(handle).parking_.drain(); });
  }
  void stop() {
    if (!parking_.used()) return;
    uv_prepare_stop(&before_);
    uv_check_stop(&after_);
    uv_timer_stop(&bound_);
    uv_poll_stop(&alarm_);
  }

 private:
  template <typename Handle>
  static ParkedTasks& of(Handle* handle) {
    return *static_cast<ParkedTasks*>(handle->data);
  }

  std::array<uv_handle_t*, 4> handles() {
    return {as_handle(before_), as_handle(after_), as_handle(bound_), as_handle(alarm_)};
  }

  void before_sleep() {
    parking_.resume_all(resume_);
    const std::int64_t deadline_ns = parking_.sleep_until(no_deadline);
    if (deadline_ns == no_deadline || uv_is_active(as_handle(before_)) == 0) return;
    if (deadline_ns == 0) {  // something has come: the loop does not sleep
      uv_timer_start(
          &bound_, [](uv_timer_t*) {}, 0, 0);
      return;
    }
    start_timer(bound_, std::chrono::nanoseconds(std::max<std::int64_t>(deadline_ns - now_ns(), 0)),
                [](uv_timer_t*) {});
  }

  Parking parking_;
  std::function<void(Waiting&)> resume_;
  uv_prepare_t before_{};
  uv_check_t after_{};
  uv_timer_t bound_{};  // for who has waited for long enough
  uv_poll_t alarm_{};
};

class Task {
 public:
  // What the tasks of a job share.
  struct Batch {
    Batch(JobRun& run, std::vector<Task>& tasks)
        : job(run), parked(run, loop, [&tasks](Waiting& waiting) { tasks[waiting.task].advance_task(); }) {}
    JobRun& job;
    Loop loop;
    ParkedTasks parked;
    std::uint32_t unfinished = 0;
  };

  // Starts task `index`, which runs up to its first wait.
  void start(Batch& batch, std::uint32_t index) {
    batch_ = &batch;
    index_ = index;
    uv_timer_init(batch.loop.get(), &timer_);
    timer_.data = this;
    script_ = batch.job.begin(index, batch.parked.parking().home());
    advance_task();
  }

  // For the driver.
  static Done checkpoint() noexcept { return Done::now; }
  Done wait_for(std::chrono::nanoseconds duration) {
    start_timer(timer_, duration, [](uv_timer_t* timer) { static_cast<Task*>(timer->data)->advance_task(); });
    return Done::later;
  }
  Done park(Waiting& waiting, std::chrono::nanoseconds at_most) {
    return batch_->parked.parking().park(waiting, at_most);
  }
  Done transfer(Operation& operation) {
    Transfer& transfer = operation.transfer;
    switch (transfer.kind) {
      case Transfer::Kind::read_at:
      case Transfer::Kind::write_at: return begin_file(transfer);
      default: break;
    }
    const Readiness wanted = try_transfer(transfer, operation.result, [this](int fd) { forget(fd); });
    if (wanted == Readiness::done) return Done::now;
    operation.again = true;
    watch(transfer.fd, wanted == Readiness::to_read ? UV_READABLE : UV_WRITABLE);
    return Done::later;
  }

 private:
  static void on_file(uv_fs_t* request) {
    Task& task = *static_cast<Task*>(request->data);
    task.script_.operation().result = request->result;
    uv_fs_req_cleanup(request);
    task.advance_task();
  }

  Done begin_file(const Transfer& transfer) {
    const uv_buf_t bytes = uv_buf_init(reinterpret_cast<char*>(transfer.data), static_cast<unsigned>(transfer.bytes));
    file_.data = this;
    const auto start = transfer.kind == Transfer::Kind::write_at ? uv_fs_write : uv_fs_read;
    check(start(timer_.loop, &file_, transfer.fd, &bytes, 1, transfer.offset, on_file), "uv_fs_read, _write");
    return Done::later;
  }

  void watch(int fd, int events) {
    if (watched_fd_ != fd) {
      forget(watched_fd_);
      watched_ = new uv_poll_t{};
      const KeptFlags kept(fd);  // which libuv makes non-blocking
      check(uv_poll_init(timer_.loop, watched_, fd), "uv_poll_init");
      watched_fd_ = fd;
    }
    watched_->data = this;
    check(uv_poll_start(watched_, events,
                        [](uv_poll_t* handle, int, int) {
                          uv_poll_stop(handle);
                          static_cast<Task*>(handle->data)->advance_task();
                        }),
          "uv_poll_start");
  }

  // A handle goes once the loop has closed it.
  void forget(int fd) {
    if (!watched_ || fd != watched_fd_) return;
    uv_close(reinterpret_cast<uv_handle_t*>(watched_),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
    watched_ = nullptr;
    watched_fd_ = -1;
  }

  void advance_task() {
    batch_->parked.parking().slept();  // it is called back in the midst of what libuv does when it has slept
    try {
      if (!drive(script_, *this)) return;
    } catch (...) {
      batch_->job.fail_task(index_);
    }
    batch_->job.end(index_);
    script_ = Script();
    forget(watched_fd_);
    uv_close(as_handle(timer_), nullptr);
    if (--batch_->unfinished == 0) batch_->parked.stop();
  }

  Batch* batch_ = nullptr;
  std::uint32_t index_ = 0;
  uv_timer_t timer_;
  uv_fs_t file_;
  uv_poll_t* watched_ = nullptr;
  int watched_fd_ = -1;
  Script script_;
};
static_assert(Host<Task>);

}  // namespace

void run(JobRun& job) {
  const Run::Unit unit(job);
  std::vector<Task> tasks(job.tasks());
  Task::Batch batch(job, tasks);
  while (job.next_batch()) {
    batch.unfinished = job.tasks();
    batch.parked.start();
    for (std::uint32_t index = 0; index < job.tasks(); ++index) tasks[index].start(batch, index);
    batch.loop.run();
  }
}

}  // namespace bench::on_libuv
