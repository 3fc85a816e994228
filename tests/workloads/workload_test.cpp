// Why: a run is only as good as the judgement of its outcomes. What each workload computes is held against values that
// were found elsewhere, and its check against outcomes that a faulty model might leave.
#include "models/talk/transfer.h"
#include "workloads/job.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/faulty_tables.h"
#include "tests/support/test_runs.h"
#include "tests/support/told.h"
#include "workloads/product.h"

namespace bench {
namespace {

using namespace std::chrono_literals;

const Job& sum() { return job_named("sum"); }

// Residues modulo 2^61 - 1, from Python: math.factorial(n) % (2**61 - 1).
constexpr std::uint64_t residue_of_20 = 127'058'998'962'946'049;
constexpr std::uint64_t residue_of_25 = 117'006'249'939'608'835;
constexpr std::uint64_t residue_of_100 = 549'389'702'849'517'455;
constexpr std::uint64_t residue_of_1000 = 1'923'665'450'338'186'562;
constexpr std::uint64_t residue_of_7_times_1000 = 1'936'443'106'298'836'179;

Product factorial(std::uint64_t n, std::uint64_t start = 1) {
  Product product(start);
  for (std::uint64_t factor = 2; factor <= n; ++factor) product.multiply(factor);
  return product;
}

TEST(Product, HoldsKnownFactorials) {
  EXPECT_EQ(factorial(1).residue(), 1U);
  EXPECT_EQ(factorial(5).residue(), 120U);
  EXPECT_EQ(factorial(20).residue(), residue_of_20);  // the last that fits a word
  EXPECT_EQ(factorial(25).residue(), residue_of_25);
  EXPECT_EQ(factorial(100).residue(), residue_of_100);
  EXPECT_EQ(factorial(1000).residue(), residue_of_1000);
  EXPECT_EQ(factorial(1000, 7).residue(), residue_of_7_times_1000);
}

TEST(Product, TellsHowManyWordsAMultiplicationTook) {
  Product product(1);
  EXPECT_EQ(product.multiply(std::uint64_t{1} << 63), 1U);
  EXPECT_EQ(product.multiply(2), 1U);  // 2^64: a second word from here on
  EXPECT_EQ(product.multiply(2), 2U);
  EXPECT_EQ(product.residue(), std::uint64_t{1} << 4);  // 2^65, and 2^61 is 1
}

TEST(Product, ResidueCarriesOverFullWords) {
  Product product(~std::uint64_t{0});
  product.multiply(~std::uint64_t{0});
  EXPECT_EQ(product.residue(), 49U);  // (2^64 - 1)^2, and 2^64 - 1 is 7
}

TEST(FactorialResidue, AgreesWithKnownFactorials) {
  EXPECT_EQ(factorial_residue(0), 1U);
  EXPECT_EQ(factorial_residue(1), 1U);
  EXPECT_EQ(factorial_residue(20), residue_of_20);
  EXPECT_EQ(factorial_residue(25), residue_of_25);
  EXPECT_EQ(factorial_residue(1000), residue_of_1000);
}

// The digits as a person adds them: written out.
std::uint64_t digits_as_text(std::uint64_t first, std::uint64_t count) {
  std::uint64_t total = 0;
  for (std::uint64_t number = first; number != first + count; ++number) {
    for (const char digit : std::to_string(number)) total += static_cast<std::uint64_t>(digit - '0');
  }
  return total;
}

TEST(Sum, AddsTheDigitsOfItsNumbers) {
  constexpr std::uint64_t first_number = 1'000'000'000'000'000;
  for (const std::uint64_t work : {1U, 9U, 10U, 11U, 99U, 100U, 1000U, 12345U}) {
    for (const std::uint32_t index : {0U, 1U, 3U, 7U, 42U}) {
      const Batch parameters{.tasks = 43, .work = work, .waits = {}};
      EXPECT_EQ(sum().compute(parameters, index), digits_as_text(first_number + index * work, work))
          << "work " << work << ", task " << index;
    }
  }
}

// The check finds the sums place by place, without adding up any number's digits.
TEST(Sum, ChecksByOtherMeansThanItComputes) {
  for (const std::uint64_t work : {1U, 7U, 10U, 99U, 1000U, 12345U}) {
    const Batch parameters{.tasks = 20, .work = work, .waits = {}};
    std::vector<std::uint64_t> outcomes;
    for (std::uint32_t index = 0; index < 20; ++index) {
      outcomes.push_back(digits_as_text(1'000'000'000'000'000 + index * work, work));
    }
    EXPECT_EQ(sum().check(parameters, outcomes), std::nullopt) << "work " << work;
  }
}

TEST(Batch, DealsWaitsRoundTheTasks) {
  const Batch dealt{.tasks = 5, .work = 0, .waits = {10ms, 20ms}};
  EXPECT_EQ(dealt.wait_of(0), 10ms);
  EXPECT_EQ(dealt.wait_of(1), 20ms);
  EXPECT_EQ(dealt.wait_of(4), 10ms);
  const Batch none{.tasks = 5, .work = 0, .waits = {}};
  EXPECT_EQ(none.wait_of(3), 0ns);
}

// ---- Every row of the table ----

class EveryWorkload : public testing::TestWithParam<const Job*> {
 protected:
  const Job& job() const { return *GetParam(); }

  // Small sizes, with more than one wait.
  Batch sizes(std::uint64_t work = 300) const {
    Batch parameters{.tasks = 12, .work = takes(job(), "work") ? work : 0, .waits = {}};
    if (takes(job(), "wait")) parameters.waits = {1ms, 2ms};
    return parameters;
  }

  // Runs the script of one task, without its waits; tells what it waited for in all.
  std::chrono::nanoseconds run(const Batch& parameters, std::uint32_t index, std::uint64_t& outcome) const {
    std::chrono::nanoseconds waited{0};
    const Task task{.batch = parameters, .index = index, .outcome = outcome};
    Script script = job().task(task);
    while (script.advance()) {
      Operation& operation = script.operation();
      if (operation.verb == Verb::wait_for) waited += operation.duration;
      if (operation.verb == Verb::transfer) operation.result = do_transfer(operation.transfer);
    }
    return waited;
  }

  std::vector<std::uint64_t> outcomes(const Batch& parameters) const {
    std::vector<std::uint64_t> left(parameters.tasks);
    for (std::uint32_t index = 0; index < parameters.tasks; ++index) run(parameters, index, left[index]);
    return left;
  }
};

TEST_P(EveryWorkload, AcceptsWhatItsScriptsLeave) {
  for (const std::uint64_t work : {1U, 2U, 3U, 300U, 1000U}) {
    const Batch parameters = sizes(work);
    EXPECT_EQ(job().check(parameters, outcomes(parameters)), std::nullopt) << "work " << work;
  }
}

class EveryComputation : public EveryWorkload {};

TEST_P(EveryComputation, IsTheSameAsAPlainLoop) {
  for (const std::uint64_t work : {1U, 2U, 3U, 300U, 1000U}) {
    const Batch parameters = sizes(work);
    const std::vector<std::uint64_t> left = outcomes(parameters);
    for (std::uint32_t index = 0; index < parameters.tasks; ++index) {
      EXPECT_EQ(job().compute(parameters, index), left[index]) << "work " << work << ", task " << index;
    }
  }
}

TEST_P(EveryWorkload, WaitsForItsShareInAll) {
  const Batch parameters = sizes();
  for (std::uint32_t index = 0; index < parameters.tasks; ++index) {
    std::uint64_t outcome = 0;
    EXPECT_EQ(run(parameters, index, outcome), parameters.wait_of(index)) << "task " << index;
  }
}

// The factor after which `mixed` waits is the middle one; with a single factor there is no middle, but still a wait.
TEST_P(EveryWorkload, WaitsWithTheLeastWorkToo) {
  const Batch parameters = sizes(1);
  std::uint64_t outcome = 0;
  EXPECT_EQ(run(parameters, 0, outcome), parameters.wait_of(0));
}

class EveryCountOfCheckpoints : public EveryWorkload {};

TEST_P(EveryCountOfCheckpoints, IsWhatItsScriptsPass) {
  static const std::atomic<bool> always{true};
  const Batch parameters = sizes();
  std::uint64_t outcome = 0;
  const Task task{.batch = parameters, .index = 0, .outcome = outcome};
  Script script = job().task(task);
  script.switch_when(always);
  std::uint64_t passed = 0;
  while (script.advance()) passed += script.operation().verb == Verb::checkpoint ? 1 : 0;
  EXPECT_EQ(passed, job().checkpoints(parameters));
}

// The refusal names the task.
TEST_P(EveryWorkload, RefusesOneWrongOutcomeWhereverItIs) {
  const Batch parameters = sizes();
  for (const std::uint32_t index : {0U, 5U, 11U}) {
    std::vector<std::uint64_t> left = outcomes(parameters);
    left[index] += 1;
    const auto wrong = job().check(parameters, left);
    ASSERT_TRUE(wrong) << "task " << index;
    EXPECT_NE(wrong->find("task " + std::to_string(index) + " "), std::string::npos) << *wrong;
  }
}

TEST_P(EveryWorkload, RefusesOutcomesOfTheWrongTasks) {
  const Batch parameters = sizes();
  std::vector<std::uint64_t> swapped = outcomes(parameters);
  std::swap(swapped[2], swapped[3]);
  EXPECT_TRUE(job().check(parameters, swapped));
  std::vector<std::uint64_t> copied = outcomes(parameters);
  copied[7] = copied[6];
  EXPECT_TRUE(job().check(parameters, copied));
}

TEST_P(EveryWorkload, RefusesAnOutcomeThatWasNeverWritten) {
  const Batch parameters = sizes();
  std::vector<std::uint64_t> left = outcomes(parameters);
  left[4] = 0;
  EXPECT_TRUE(job().check(parameters, left));
}

class EveryAmountOfWork : public EveryWorkload {};

TEST_P(EveryAmountOfWork, ShowsInItsOutcomes) { EXPECT_TRUE(job().check(sizes(300), outcomes(sizes(299)))); }

template <typename Condition>
std::vector<const Job*> independent_jobs_where(Condition condition) {
  std::vector<const Job*> jobs = independent_jobs();
  std::erase_if(jobs, std::not_fn(condition));
  return jobs;
}

std::string name_of_job(const testing::TestParamInfo<const Job*>& instance) { return test_name(instance.param->name); }

INSTANTIATE_TEST_SUITE_P(Table, EveryWorkload, testing::ValuesIn(independent_jobs()), name_of_job);
INSTANTIATE_TEST_SUITE_P(Table, EveryComputation, testing::ValuesIn(independent_jobs_where([](const Job* job) {
                           return job->compute != nullptr;
                         })),
                         name_of_job);
INSTANTIATE_TEST_SUITE_P(Table, EveryCountOfCheckpoints, testing::ValuesIn(independent_jobs_where([](const Job* job) {
                           return job->checkpoints != nullptr;
                         })),
                         name_of_job);
INSTANTIATE_TEST_SUITE_P(Table, EveryAmountOfWork,
                         testing::ValuesIn(independent_jobs_where([](const Job* job) { return takes(*job, "work"); })),
                         name_of_job);

}  // namespace
}  // namespace bench
