// Why: a sentence compares kinds of units, and a reader believes it: it rests on intervals, and no reading of other
// processes' memory makes a thread as small as a coroutine.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "harness/summary/summary.h"
#include "primitives/primitive.h"
#include "tests/support/faulty_tables.h"

namespace bench {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// Of `idle` under threads and coroutines.
struct Idle {
  Idle() {
    Group& group = plan.groups.emplace_back();
    group.primitive = &*std::ranges::find(all_primitives(), "idle", &Primitive::name);
    for (const char* name : {"threads", "coroutines"}) {
      group.cells.push_back(plan.cells.size());
      Cell& cell = plan.cells.emplace_back();
      cell.model = &model_named(name);
      cell.row = &*std::ranges::find(group.primitive->rows, name, &PrimitiveRow::model);
      cell.label = name;
      results.cells.emplace_back();
    }
  }

  void add(std::uint32_t round, std::size_t cell, double wall_ns, UnitMemory memory) {
    Sample& sample = results.cells[cell].samples.emplace_back();
    sample.round = round;
    sample.wall_ns = wall_ns;
    sample.primitive = {.operations = 100, .memory = memory};
  }

  std::string sentence() const { return summarize(plan, results).front().verdict; }

  Plan plan;
  Results results;
};

TEST(PrimitiveSummary, ComparesKindsOfUnits) {
  Idle idle;
  for (std::uint32_t round = 0; round < 8; ++round) {
    idle.add(round, 0, 10'000, {.user_bytes = 10'000, .kernel_bytes = round == 3 ? -27'000.0 : 20'000.0});
    idle.add(round, 1, 100, {.user_bytes = 500, .kernel_bytes = round == 5 ? -300.0 : 0.0});
  }
  EXPECT_THAT(idle.sentence(), HasSubstr("a thread takes 100 times as long as a coroutine"));
  EXPECT_THAT(idle.sentence(), HasSubstr("a thread takes 60 times as much memory as a coroutine"));
}

TEST(PrimitiveSummary, ComparesNothingWithoutAnInterval) {
  Idle idle;
  for (std::uint32_t round = 0; round < 2; ++round) {
    idle.add(round, 0, 10'000, {.user_bytes = 10'000, .kernel_bytes = 20'000});
    idle.add(round, 1, 100, {.user_bytes = 500, .kernel_bytes = 0});
  }
  EXPECT_THAT(idle.sentence(), IsEmpty());
}

}  // namespace
}  // namespace bench
