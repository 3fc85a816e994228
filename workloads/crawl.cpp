// `crawl`: the notes' crawler. Each task fetches a page from a helper server over a connection of its own and hands it
// to be parsed; who parses is what differs:
//
//   --submit=parse-in-worker    each task parses its own page when it has come whole
//   --submit=parse-in-parent    one more task parses each page as soon as it is there, handed over through a queue
//   --submit=gather-then-parse  that task waits until all pages are there, and parses them then
//
// The helper is the `http` service, whose page /N has N bytes; each task asks for another N, so that a page of another
// task is noticed. Parsing counts the lines and makes a digest of the bytes, with checkpoints.
#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "workloads/http_body.h"
#include "workloads/http_fetch.h"
#include "workloads/job.h"
#include "workloads/sync.h"

namespace bench {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr std::size_t header_room = 4 * kib;

constexpr auto parameters = std::to_array<Parameter>({
    {.name = "pages", .standard = "20", .meaning = "pages to fetch", .most = 20'000},
    {.name = "page-size",
     .kind = ParameterKind::size,
     .standard = "64KiB",
     .meaning = "bytes of the first page; each further one has one more",
     .most = 900.0 * kib},
    {.name = "submit",
     .kind = ParameterKind::choice,
     .standard = "parse-in-worker",
     .meaning = "who parses: the task that fetched a page, or one for all, at once or when all are there",
     .choices = {"parse-in-worker", "parse-in-parent", "gather-then-parse"}},
});

enum class Submit : std::uint8_t { parse_in_worker, parse_in_parent, gather_then_parse };

struct Sizes {
  explicit Sizes(const Parameters& told)
      : pages(static_cast<std::uint32_t>(told.number("pages"))),
        page_bytes(told.number("page-size")),
        submit(submit_of(told.choice("submit"))) {}

  std::uint32_t pages;
  std::uint64_t page_bytes;
  Submit submit;

  std::uint64_t bytes_of(std::uint32_t page) const { return page_bytes + page; }
  std::size_t room() const { return (header_room + page_bytes + pages + kib - 1) / kib * kib; }  // of one reply

 private:
  static Submit submit_of(std::string_view word) {
    if (word == "parse-in-parent") return Submit::parse_in_parent;
    return word == "gather-then-parse" ? Submit::gather_then_parse : Submit::parse_in_worker;
  }
};

// A page as it lies in the replies.
struct Page {
  std::uint32_t number;
  std::uint32_t begin;
  bool operator<(const Page& other) const { return number < other.number; }
};

struct Shared {
  explicit Shared(std::span<Page> room) : fetched(room, QueueOrder::fifo) {}
  BoundedQueue<Page> fetched;
  Semaphore gathered{0};
  Page* pages;
  std::uint64_t* digests;  // of each page
  std::byte* replies;
};

// Of the bytes and their order.
class Digest {
 public:
  void add(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) {
      if (byte == std::byte{'\n'}) ++lines_;
      state_ = (std::rotl(state_, 5) ^ std::to_integer<std::uint64_t>(byte)) * 0x94D0'49BB'1331'11EBU;
    }
  }
  std::uint64_t value() const { return state_ + lines_; }

 private:
  std::uint64_t state_ = 1;
  std::uint64_t lines_ = 0;
};

constexpr std::size_t bytes_per_checkpoint = 4 * kib;

// What each script below does step by step, a page at a time.
std::span<std::byte> reply_room(Shared& shared, const Sizes& sizes, std::uint32_t page) {
  return {shared.replies + page * sizes.room(), sizes.room()};
}

std::span<const std::byte> bytes_of(Shared& shared, const Sizes& sizes, const Page& page) {
  return reply_room(shared, sizes, page.number).subspan(page.begin, sizes.bytes_of(page.number));
}

Script fetch(const Task& task, Sizes sizes) {
  Shared& shared = task.shared<Shared>();
  const std::span<std::byte> room = reply_room(shared, sizes, task.index);
  HttpFetch http(task.batch.helper_port, fmt::format("/{}", sizes.bytes_of(task.index)), room);
  Transfer transfer;
  while (http.next(transfer)) {
    const std::int64_t result = co_yield transfer;
    http.done(result);
  }
  if (http.status() != 200) http.fail(fmt::format("status {} where 200 was due", http.status()));
  const Page page{.number = task.index, .begin = static_cast<std::uint32_t>(http.header_bytes())};
  http.take_body(room.subspan(page.begin, std::min(room.size() - page.begin, sizes.bytes_of(task.index))));
  while (http.next(transfer)) {
    const std::int64_t result = co_yield transfer;
    http.done(result);
  }

  switch (sizes.submit) {
    case Submit::parse_in_worker: {
      Digest digest;
      for (auto left = bytes_of(shared, sizes, page); !left.empty();) {
        const std::size_t size = std::min(left.size(), bytes_per_checkpoint);
        digest.add(left.first(size));
        left = left.subspan(size);
        co_yield checkpoint();
      }
      shared.digests[task.index] = digest.value();
      break;
    }
    case Submit::parse_in_parent: {
      const bool taken = co_yield push(shared.fetched, page);
      if (!taken) co_return;
      break;
    }
    case Submit::gather_then_parse:
      shared.pages[task.index] = page;
      shared.gathered.release();
      break;
  }
  task.outcome = task.index + std::uint64_t{1};
}

Script parse_all(const Task& task, Sizes sizes) {
  Shared& shared = task.shared<Shared>();
  if (sizes.submit == Submit::gather_then_parse) {
    for (std::uint32_t page = 0; page < sizes.pages; ++page) {
      const bool there = co_yield acquire(shared.gathered);
      if (!there) co_return;
    }
  }
  for (std::uint32_t number = 0; number < sizes.pages; ++number) {
    Page page = shared.pages[number];
    if (sizes.submit == Submit::parse_in_parent) {
      const std::optional<Page> next = co_yield pop(shared.fetched);
      if (!next) co_return;
      page = *next;
    }
    Digest digest;
    for (auto left = bytes_of(shared, sizes, page); !left.empty();) {
      const std::size_t size = std::min(left.size(), bytes_per_checkpoint);
      digest.add(left.first(size));
      left = left.subspan(size);
      co_yield checkpoint();
    }
    shared.digests[page.number] = digest.value();
  }
  task.outcome = task.index + std::uint64_t{1};
}

Script task(const Task& task) {
  const Sizes sizes(task.batch.parameters);
  return task.index < sizes.pages ? fetch(task, sizes) : parse_all(task, sizes);
}

// The page as the server's side has it, without a server.
std::uint64_t expected_digest(const Sizes& sizes, std::uint32_t page) {
  Digest digest;
  digest.add(http_body(sizes.bytes_of(page)));
  return digest.value();
}

std::uint64_t compute(const Batch& batch, std::uint32_t index) {
  const Sizes sizes(batch.parameters);
  if (index < sizes.pages) [[maybe_unused]]
    const volatile std::uint64_t digest = expected_digest(sizes, index);
  return index + std::uint64_t{1};
}

std::optional<std::string> check(const Batch& batch, std::span<const std::uint64_t> outcomes) {
  if (auto wrong = compare_outcomes(outcomes, [](std::uint32_t index) { return index + std::uint64_t{1}; }))
    return wrong;
  const Sizes sizes(batch.parameters);
  const Shared& shared = batch.shared<Shared>();
  for (std::uint32_t page = 0; page < sizes.pages; ++page) {
    if (shared.digests[page] != expected_digest(sizes, page)) {
      return fmt::format("wrong page: number {} has another digest than the server's", page);
    }
  }
  return std::nullopt;
}

std::size_t state_bytes(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  return sizeof(Shared) + std::size_t{sizes.pages} * (2 * sizeof(Page) + sizeof(std::uint64_t) + sizes.room());
}

void prepare(const Batch& batch) {
  const Sizes sizes(batch.parameters);
  auto* const room = reinterpret_cast<Page*>(batch.state + sizeof(Shared));
  auto* const shared = new (batch.state) Shared({room, sizes.pages});
  shared->pages = room + sizes.pages;
  shared->digests = reinterpret_cast<std::uint64_t*>(shared->pages + sizes.pages);
  shared->replies = reinterpret_cast<std::byte*>(shared->digests + sizes.pages);
}

std::uint32_t task_count(const Parameters& told) {
  const Sizes sizes(told);
  return sizes.pages + (sizes.submit == Submit::parse_in_worker ? 0 : 1);
}

double estimate_ns(const Batch& batch) {
  return 3.0 * static_cast<double>(batch.parameters.number("page-size")) + 50'000;
}

}  // namespace

extern constinit const Job crawl_job{
    .name = "crawl",
    .summary = "fetches pages over connections and parses them",
    .parameters = parameters,
    .task = task,
    .compute = compute,
    .check = check,
    .estimate_ns = estimate_ns,
    .task_count = task_count,
    .state_bytes = state_bytes,
    .prepare = prepare,
    .descriptors_per_task = 1,
    .helper = "http",
};

}  // namespace bench
