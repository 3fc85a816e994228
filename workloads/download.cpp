// `download`: the notes' download of one file by ten coroutines. Each task fetches a range of the file from a helper
// server over a connection of its own, and puts it at its place in a buffer that all share.
//
//   --server=ranges  the server answers each with its part (206)
//   --server=whole   the server has no ranges and answers each with the whole file (200): the first task to see that
//                    takes the file as one stream, and the others close their connections
//
// The helper is the `http` service, which limits each connection to --pace bytes per second (?pace). So a file comes
// as many times sooner as there are connections at once, and under a model that has one at a time no sooner than in
// one stream. No stream ends before the time that its bytes take at that pace: that is what each task waits.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>
#include <vector>

#include "workloads/http_body.h"
#include "workloads/http_fetch.h"
#include "workloads/http_target.h"
#include "workloads/job.h"

namespace bench {
namespace {

constexpr std::size_t header_room = 1024;
constexpr std::uint64_t most_ranges = 1000;

constexpr auto parameters = std::to_array<Parameter>({
    {.name = "file-size",
     .kind = ParameterKind::size,
     .standard = "1MiB",
     .meaning = "bytes of the file",
     .least = most_ranges,  // so that no range is empty
     .most = static_cast<double>(max_http_body_bytes),
     .word = "file",
     .key = "file_bytes"},
    {.name = "ranges",
     .standard = "10",
     .meaning = "ranges of the file, each fetched by a task over a connection of its own",
     .most = most_ranges,
     .title = "{} ranges",
     .title_of_one = "{} range"},
    {.name = "pace",
     .kind = ParameterKind::size,
     .standard = "1MiB",
     .meaning = "bytes per second that the server sends over each connection; 0: as fast as they go",
     .least = 0,
     .most = max_http_pace,
     .key = "pace_bytes_per_second",
     .title = "{}/s each"},
    {.name = "server",
     .kind = ParameterKind::choice,
     .standard = "ranges",
     .meaning = "whether the server gives ranges of a file or the whole alone",
     .choices = {"ranges", "whole"}},
});

struct Sizes {
  explicit Sizes(const Parameters& told)
      : file_bytes(told.number("file-size")),
        ranges(static_cast<std::uint32_t>(told.number("ranges"))),
        pace(told.number("pace")),
        whole(told.choice("server") == "whole") {}

  std::uint64_t file_bytes;
  std::uint32_t ranges;
  std::uint64_t pace;
  bool whole;

  ByteRange range_of(std::uint32_t index) const {
    const auto begin_of = [&](std::uint64_t number) { return file_bytes * number / ranges; };
    return {.first = begin_of(index), .last = begin_of(index + std::uint64_t{1}) - 1};
  }
  // How long a stream of so many bytes lasts at the least.
  std::chrono::nanoseconds time_of(std::uint64_t bytes) const {
    return std::chrono::nanoseconds(pace == 0 ? 0 : bytes * 1'000'000'000 / pace);
  }
  std::string path() const {
    std::string text = fmt::format("/{}", file_bytes);
    char mark = '?';
    if (pace != 0) text += fmt::format("{}pace={}", std::exchange(mark, '&'), pace);
    if (whole) text += fmt::format("{}whole", mark);
    return text;
  }
};

struct Shared {
  std::atomic<std::uint32_t> taken_whole;  // by a task, as one stream
  std::atomic<std::uint32_t> streams;      // that carried some of the file to its end
};

std::span<std::byte> file_of(const Batch& batch, const Sizes& sizes) {
  return {batch.state + sizeof(Shared), sizes.file_bytes};
}

// Where the body that the server has begun to answer with belongs; empty where somebody else has it.
std::span<std::byte> place_of(const Task& task, const Sizes& sizes, const HttpFetch& http) {
  const std::span<std::byte> file = file_of(task.batch, sizes);
  if (http.status() == 200) {
    return task.shared<Shared>().taken_whole.exchange(1) == 0 ? file : std::span<std::byte>();
  }
  const ByteRange range = sizes.range_of(task.index);
  http.expect_part(range, sizes.file_bytes);
  return file.subspan(range.first, range.size());
}

std::uint64_t mark(std::uint32_t index) { return index + std::uint64_t{1}; }

Script task(const Task& task) {
  const Sizes sizes(task.batch.parameters);
  std::array<std::byte, header_room> room;
  HttpFetch http(task.batch.helper_port, sizes.path(), room, sizes.range_of(task.index));
  Transfer transfer;
  while (http.next(transfer)) {
    const std::int64_t result = co_yield transfer;
    http.done(result);
  }
  const std::span<std::byte> place = place_of(task, sizes, http);
  if (place.empty()) {
    http.leave();
  } else {
    http.take_body(place);
  }
  while (http.next(transfer)) {
    const std::int64_t result = co_yield transfer;
    http.done(result);
  }
  if (!place.empty()) task.shared<Shared>().streams.fetch_add(1);
  task.outcome = mark(task.index);
}

// What is left of a task without its connection: its bytes are copied to their place.
std::uint64_t compute(const Batch& batch, std::uint32_t index) {
  const Sizes sizes(batch.parameters);
  const ByteRange range = sizes.range_of(index);
  std::vector<std::byte> place(range.size());
  std::ranges::copy(http_body(sizes.file_bytes).subspan(range.first, range.size()), place.begin());
  [[maybe_unused]] const volatile std::byte last = place.back();
  return mark(index);
}

std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  if (auto wrong = compare_outcomes(outcomes, mark)) return wrong;
  const Sizes sizes(batch.parameters);
  const std::span<const std::byte> file = file_of(batch, sizes);
  const auto differs = std::ranges::mismatch(file, http_body(sizes.file_bytes)).in1;
  if (differs != file.end()) {
    return fmt::format("wrong file: byte {} of {} is another than the server's", differs - file.begin(), file.size());
  }
  const std::uint32_t streams = batch.shared<Shared>().streams;
  const std::uint32_t due = sizes.whole ? 1 : sizes.ranges;
  if (streams == due) return std::nullopt;
  return fmt::format("the file came in {} streams where {} were due", streams, due);
}

std::size_t state_bytes(const Batch& batch) { return sizeof(Shared) + Sizes(batch.parameters).file_bytes; }

void prepare(const Batch& batch) { new (batch.state) Shared(); }

std::uint32_t task_count(const Parameters& told) { return Sizes(told).ranges; }

// Of a whole file nobody knows which task has it.
std::vector<std::chrono::nanoseconds> waits(const Parameters& told) {
  const Sizes sizes(told);
  std::vector<std::chrono::nanoseconds> each;
  if (sizes.whole || sizes.pace == 0) return each;
  for (std::uint32_t index = 0; index < sizes.ranges; ++index)
    each.push_back(sizes.time_of(sizes.range_of(index).size()));
  return each;
}

std::chrono::nanoseconds in_turn(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  return sizes.whole ? sizes.time_of(sizes.file_bytes) : std::chrono::nanoseconds{0};
}

void count(const Batch& batch, std::span<const std::uint64_t> /*outcomes*/, std::span<std::uint64_t> counts) {
  counts[0] = batch.shared<Shared>().streams;
}

double estimate_ns(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  return static_cast<double>(sizes.file_bytes) / sizes.ranges + 100'000;
}

constexpr std::array<std::string_view, 1> tallies{"streams"};

}  // namespace

extern constinit const Job download_job{
    .name = "download",
    .summary = "fetches ranges of one file, each over a connection of its own",
    .parameters = parameters,
    .task = task,
    .compute = compute,
    .check = check,
    .tallies = tallies,
    .count = count,
    .estimate_ns = estimate_ns,
    .task_count = task_count,
    .waits = waits,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .in_turn = in_turn,
    .descriptors_per_task = 1,
    .helper = "http",
};

}  // namespace bench
