#include "harness/ranks/mpi/calls.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>

#include "harness/ranks/merge.h"

namespace bench {
namespace {

int own_rank() {
  int rank = 0;
  succeed(MPI_Comm_rank(MPI_COMM_WORLD, &rank), "tell the rank");
  return rank;
}

std::size_t rank_count() {
  int ranks = 0;
  succeed(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "tell the number of ranks");
  return static_cast<std::size_t>(ranks);
}

void add_measurements(void* in, void* into, int* count, MPI_Datatype* /*type*/) {
  const auto* from = static_cast<const ServiceMeasurement*>(in);
  auto* to = static_cast<ServiceMeasurement*>(into);
  for (int index = 0; index < *count; ++index) merge(to[index], from[index]);
}

void add_histograms(void* in, void* into, int* count, MPI_Datatype* /*type*/) {
  const auto* from = static_cast<const Histogram*>(in);
  auto* to = static_cast<Histogram*>(into);
  for (int index = 0; index < *count; ++index) to[index].merge(from[index]);
}

}  // namespace

void succeed(int code, const char* doing) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int size = 0;
  MPI_Error_string(code, text.data(), &size);
  throw MpiError(fmt::format("MPI could not {}: {}", doing, text.data()));
}

Mpi::Mpi() {
  succeed(MPI_Init(nullptr, nullptr), "begin");
  succeed(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "be told to return errors");
  rank_ = static_cast<std::uint32_t>(own_rank());
  ranks_ = static_cast<std::uint32_t>(rank_count());
}

void Mpi::finalize() {
  if (std::exchange(open_, false)) MPI_Finalize();
}

void leave_at_once(int status) {
  std::fflush(nullptr);
  _exit(status);
}

std::vector<std::string> gather(const std::string& text) {
  const bool leads = own_rank() == 0;
  const int size = static_cast<int>(text.size());
  std::vector<int> sizes(leads ? rank_count() : 0);
  succeed(MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, MPI_COMM_WORLD), "gather");
  std::vector<int> offsets;
  int total = 0;
  for (const int each : sizes) {
    offsets.push_back(total);
    total += each;
  }
  std::string all(static_cast<std::size_t>(total), '\0');
  succeed(
      MPI_Gatherv(text.data(), size, MPI_CHAR, all.data(), sizes.data(), offsets.data(), MPI_CHAR, 0, MPI_COMM_WORLD),
      "gather");
  std::vector<std::string> texts;
  for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
    texts.push_back(all.substr(static_cast<std::size_t>(offsets[rank]), static_cast<std::size_t>(sizes[rank])));
  }
  return texts;
}

std::string broadcast(std::string text, std::uint32_t root) {
  const auto size = broadcast_value(std::uint64_t{text.size()}, root);
  text.resize(size);
  succeed(MPI_Bcast(text.data(), static_cast<int>(size), MPI_CHAR, static_cast<int>(root), MPI_COMM_WORLD),
          "broadcast");
  return text;
}

std::uint32_t least_of_all(std::uint32_t value) {
  std::uint32_t least = 0;
  succeed(MPI_Allreduce(&value, &least, 1, MPI_UINT32_T, MPI_MIN, MPI_COMM_WORLD), "compare values");
  return least;
}

Reductions::Reductions(Await await) : await_(std::move(await)) {
  const auto made = [](int code) { succeed(code, "make types and operations"); };
  made(MPI_Type_contiguous(sizeof(ServiceMeasurement), MPI_BYTE, &measurement_));
  made(MPI_Type_commit(&measurement_));
  made(MPI_Type_contiguous(sizeof(Histogram), MPI_BYTE, &histogram_));
  made(MPI_Type_commit(&histogram_));
  made(MPI_Op_create(add_measurements, 1, &add_measurements_));
  made(MPI_Op_create(add_histograms, 1, &add_histograms_));
}

Reductions::~Reductions() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized != 0 || given_up_) return;
  MPI_Type_free(&measurement_);
  MPI_Type_free(&histogram_);
  MPI_Op_free(&add_measurements_);
  MPI_Op_free(&add_histograms_);
}

bool Reductions::finished(MPI_Request& request) {
  given_up_ = true;  // by an exception, too
  given_up_ = !await_(request);
  return !given_up_;
}

bool Reductions::add_up(const RunReport& own, RunReport& merged) {
  MPI_Request request = MPI_REQUEST_NULL;
  const auto done = [&](int code) {
    succeed(code, "reduce");
    return finished(request);
  };
  if (!done(MPI_Ireduce(&own.service, &merged.service, 1, measurement_, add_measurements_, 0, MPI_COMM_WORLD,
                        &request))) {
    return false;
  }
  if (!done(MPI_Iallreduce(&own.service.load.class_count, &classes_, 1, MPI_UINT32_T, MPI_MAX, MPI_COMM_WORLD,
                           &request))) {
    return false;
  }
  return classes_ == 0 ||
         done(MPI_Ireduce(own.class_latency.data(), merged.class_latency.data(), static_cast<int>(classes_), histogram_,
                          add_histograms_, 0, MPI_COMM_WORLD, &request));
}

const std::vector<GeneratorFindings>& Reductions::collect(const GeneratorFindings& own) {
  own_ = own;
  all_.assign(own_rank() == 0 ? rank_count() : 0, {});
  MPI_Request request = MPI_REQUEST_NULL;
  succeed(MPI_Igather(&own_, sizeof own_, MPI_BYTE, all_.data(), sizeof own_, MPI_BYTE, 0, MPI_COMM_WORLD, &request),
          "gather");
  static const std::vector<GeneratorFindings> nothing;
  return finished(request) ? all_ : nothing;
}

}  // namespace bench
