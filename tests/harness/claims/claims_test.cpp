// Why: a verdict on what others have written is only worth something if a broken experiment cannot give it. Each
// claim's cells exist, intervals decide as they should, missing data decides nothing, and controls come out as they
// must.
#include <gmock/gmock.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "harness/app/own_tables.h"
#include "harness/claims/claims_report.h"
#include "harness/claims/evidence.h"
#include "harness/claims/experiments.h"
#include "harness/claims/facts.h"
#include "harness/text/json_place.h"
#include "tests/support/faulty_tables.h"
#include "tests/support/test_server.h"

namespace bench {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST(ClaimTable, HasTheCataloguesRowsOnce) {
  std::set<std::string_view> ids;
  for (const Claim* claim : all_claims()) {
    EXPECT_TRUE(ids.insert(claim->id).second) << claim->id;
    EXPECT_FALSE(claim->sentence.empty()) << claim->id;
    EXPECT_NE(claim->decide == nullptr, claim->check == nullptr) << claim->id;
    EXPECT_TRUE(claim->check || claim->parts[0]) << claim->id;
    EXPECT_TRUE(claim->check || !claim->otherwise.empty()) << claim->id << " says nothing where it is refuted";
  }
  EXPECT_EQ(ids.size(), 53U);
}

// A name that no cell has would leave a claim undecided for ever.
TEST(ClaimTable, NamesCellsThatThereAre) {
  const std::vector<const Claim*> claims = all_claims();
  const JudgedClaims all = judge_claims(
      own_tables(), claims, {.rounds = 0}, [](std::string_view) {}, [] { return 0; });
  ASSERT_EQ(all.judged.size(), claims.size());
  std::set<std::string_view> names;
  for (const Cell& cell : all.plan.cells) EXPECT_TRUE(names.insert(cell.name).second) << cell.name << " twice";
  for (const Judged& each : all.judged) {
    if (each.claim->check) continue;
    EXPECT_EQ(each.found.verdict, ClaimVerdict::not_run) << each.claim->id << ": without a run, " << each.found.figure;
    EXPECT_THAT(each.found.why, AllOf(Not(HasSubstr("no such cell")), Not(testing::IsEmpty()))) << each.claim->id;
  }
}

// ---- What intervals decide ----

constexpr Part made{"made up"};

// A part of two cells with these times.
struct Made {
  Made(const std::vector<double>& serial_ns, const std::vector<double>& threads_ns) {
    Group& group = plan.groups.emplace_back();
    group.job = &job_named("io");
    group.cpus = 2;
    for (const auto& [model, times] : {std::pair("serial", serial_ns), std::pair("threads", threads_ns)}) {
      group.cells.push_back(plan.cells.size());
      Cell& cell = plan.cells.emplace_back();
      cell.model = &model_named(model);
      cell.name = std::string("io/") + model;
      CellResult& result = results.cells.emplace_back();
      for (std::uint32_t round = 0; round < times.size(); ++round) {
        Sample& sample = result.samples.emplace_back();
        sample.round = round;
        sample.batches = 1;
        sample.wall_ns = times[round];
      }
    }
  }

  Evidence evidence() const { return {plan, results, parts, groups_of}; }
  Found at_least_twice() const { return at_least(evidence(), time_of(made, "serial"), time_of(made, "threads"), 2); }

  Plan plan;
  Results results;
  std::vector<const Part*> parts{&made};
  std::vector<std::size_t> groups_of{1};
};

std::vector<double> eight(double ns) { return std::vector<double>(8, ns); }

TEST(Claims, AreDecidedByTheWholeInterval) {
  EXPECT_EQ(Made(eight(30e6), eight(10e6)).at_least_twice().verdict, ClaimVerdict::confirmed);
  EXPECT_EQ(Made(eight(15e6), eight(10e6)).at_least_twice().verdict, ClaimVerdict::refuted);
  std::vector<double> scattered{11e6, 15e6, 30e6, 35e6, 12e6, 28e6, 40e6, 21e6};
  const Found open = Made(scattered, eight(10e6)).at_least_twice();
  EXPECT_EQ(open.verdict, ClaimVerdict::inconclusive);
  EXPECT_THAT(open.why, HasSubstr("rounds would decide, 8 were run"));
}

TEST(Claims, AreNotDecidedByTooFewRoundsNorByNone) {
  EXPECT_EQ(Made({30e6, 30e6}, {10e6, 10e6}).at_least_twice().verdict, ClaimVerdict::inconclusive);
  const Found none = Made({}, eight(10e6)).at_least_twice();
  EXPECT_EQ(none.verdict, ClaimVerdict::not_run);
  EXPECT_THAT(none.why, HasSubstr("io/serial: no run was made in time"));
  Made failed(eight(30e6), eight(10e6));
  failed.results.cells[1].failure = "it died";
  EXPECT_EQ(failed.at_least_twice().verdict, ClaimVerdict::not_run);
  EXPECT_EQ(failed.at_least_twice().why, "io/threads: it died");
}

TEST(Claims, ThatTwoAreAlikeTakeTheIntervalWithinBothBounds) {
  const auto alike_within_tenth = [](double serial_ns) {
    const Made table(eight(serial_ns), eight(10e6));
    return alike(table.evidence(), time_of(made, "serial"), time_of(made, "threads"), 0.1).verdict;
  };
  EXPECT_EQ(alike_within_tenth(10.5e6), ClaimVerdict::confirmed);
  EXPECT_EQ(alike_within_tenth(9.5e6), ClaimVerdict::confirmed);
  EXPECT_EQ(alike_within_tenth(11.5e6), ClaimVerdict::refuted);
  EXPECT_EQ(alike_within_tenth(8.5e6), ClaimVerdict::refuted);
}

TEST(Claims, OfSeveralPartsAreAsTheWorstOfThem) {
  const Found yes = fact(true, "a");
  const Found no = fact(false, "b");
  const Found unknown{.verdict = ClaimVerdict::not_run, .why = "it is not there"};
  EXPECT_EQ(all_of({yes, yes}).verdict, ClaimVerdict::confirmed);
  EXPECT_EQ(all_of({yes, unknown, no}).verdict, ClaimVerdict::refuted);
  EXPECT_EQ(all_of({yes, unknown}).verdict, ClaimVerdict::not_run);
  EXPECT_EQ(all_of({yes, unknown}).why, "it is not there");
  EXPECT_EQ(all_of({yes, no}).figure, "a; b");
}

TEST(Claims, HoldFromWhereOnTheyAreConfirmed) {
  const Found yes = fact(true, "yes");
  const Found no = fact(false, "no");
  const std::vector<std::string> conditions{"from 10 on", "from 100 on", "from 900 on"};
  EXPECT_EQ(from_where({yes, yes, yes}, conditions).verdict, ClaimVerdict::confirmed);
  EXPECT_EQ(from_where({yes, yes, no}, conditions).verdict, ClaimVerdict::refuted);
  const Found from_100 = from_where({no, yes, yes}, conditions);
  EXPECT_EQ(from_100.verdict, ClaimVerdict::conditional);
  EXPECT_EQ(from_100.condition, "from 100 on");
  EXPECT_EQ(from_where({yes, no, yes}, conditions).condition, "from 900 on");
}

// ---- Which figures are believed ----

// The count and the rate that a run of a server leaves which ended like this.
struct Served {
  explicit Served(Judgement judgement) {
    Group& group = plan.groups.emplace_back();
    group.service = &service_named("echo");
    group.cells = {0};
    plan.cells.emplace_back().model = &model_named("epoll");
    Sample& sample = results.cells.emplace_back().samples.emplace_back();
    sample.cpu_ns = 10'000;
    sample.service.emplace();
    sample.service->rate = 1000;
    sample.service->load.active_served = 7;
    sample.service->judgement = std::move(judgement);
  }

  bool believes(const Figure& figure) const {
    return !Evidence(plan, results, parts, groups_of).values(figure).empty();
  }

  Plan plan;
  Results results;
  std::vector<const Part*> parts{&made};
  std::vector<std::size_t> groups_of{1};
};

TEST(Claims, BelieveOfInvalidRunsWhatTheReasonDoesNotTouch) {
  const auto invalid = [](Limit limit, Doubt doubt) {
    return Served({.limit = limit, .valid = false, .why_invalid = "so", .doubt = doubt});
  };
  const Figure count = served_of(made, "epoll");
  const Figure rate = rate_of(made, "epoll");
  const Figure cpu = cpu_of(made, "epoll");
  EXPECT_TRUE(Served({.limit = Limit::rate}).believes(cpu));
  EXPECT_TRUE(invalid(Limit::errors, Doubt::unanswered).believes(count));
  EXPECT_FALSE(invalid(Limit::errors, Doubt::unanswered).believes(rate));
  EXPECT_TRUE(invalid(Limit::server, Doubt::kept_off).believes(rate));
  EXPECT_FALSE(invalid(Limit::server, Doubt::kept_off).believes(cpu));
  EXPECT_TRUE(invalid(Limit::rate, Doubt::kept_off).believes(rate));
  EXPECT_TRUE(invalid(Limit::rate, Doubt::kept_off).believes(count));
  EXPECT_FALSE(invalid(Limit::rate, Doubt::kept_off).believes(cpu));
  EXPECT_FALSE(invalid(Limit::generator, Doubt::kept_off).believes(rate));
  EXPECT_FALSE(invalid(Limit::generator, Doubt::kept_off).believes(count));
  // Another server answered, say: nothing of it holds.
  EXPECT_FALSE(invalid(Limit::rate, Doubt::other).believes(rate));
  EXPECT_FALSE(invalid(Limit::errors, Doubt::other).believes(count));
}

// What multiplexing-saves-memory says where a connection takes so much of what it does under epoll.
ClaimVerdict verdict_on_memory(double under_threads, double under_processes) {
  const auto ids = all_claims();
  const Claim& claim = **std::ranges::find(ids, std::string_view("multiplexing-saves-memory"), &Claim::id);
  Plan plan;
  Results results;
  Group& group = plan.groups.emplace_back();
  group.service = &service_named("echo");
  for (const auto& [model, times] :
       {std::pair("epoll", 1.0), std::pair("threads", under_threads), std::pair("processes", under_processes)}) {
    group.cells.push_back(plan.cells.size());
    plan.cells.emplace_back().model = &model_named(model);
    results.cells.emplace_back().memory = UnitMemory{.user_bytes = times * 10'000, .kernel_bytes = times * 10'000};
  }
  const std::vector<const Part*> parts{claim.parts[0]};
  const std::vector<std::size_t> groups_of{1};
  return claim.decide(Evidence(plan, results, parts, groups_of)).verdict;
}

TEST(Claims, OnMemoryAreOpenNearTheirBound) {
  EXPECT_EQ(verdict_on_memory(2.5, 8), ClaimVerdict::confirmed);
  EXPECT_EQ(verdict_on_memory(1.5, 8), ClaimVerdict::refuted);
  EXPECT_EQ(verdict_on_memory(1.99, 8), ClaimVerdict::inconclusive);
  EXPECT_EQ(verdict_on_memory(2.01, 8), ClaimVerdict::inconclusive);
}

// ---- Controls: what must be confirmed, and what must be refuted ----

constexpr Part of_three{"--workload=semaphore --model=threads --tasks=12 --permits=3 --wait=20ms"};
constexpr Part ordered{"--workload=deadlock --model=threads --tasks=4 --cure=order --wait=1ms"};
constexpr Part sleeping{"--workload=io --model=serial,threads --tasks=8 --wait=10ms"};
constexpr Part asked{
    "--workload=echo --model=serial,epoll --connections=4 --duration=100ms --warmup=0 --timeout=300ms"};

Found semaphore_admits(const Evidence& evidence, double count) {
  return counted(evidence, first_count_of(of_three, "threads"), 1, count, "inside at once");
}

constexpr auto controls = std::to_array<Claim>({
    {.id = "semaphore-of-3-admits-3",
     .topic = Topic::sharing,
     .sentence = "true",
     .parts = {&of_three},
     .decide = [](const Evidence& evidence) { return semaphore_admits(evidence, 3); }},
    {.id = "semaphore-of-3-admits-4-and-more",
     .topic = Topic::sharing,
     .sentence = "false",
     .parts = {&of_three},
     .decide =
         [](const Evidence& evidence) {
           return counted(evidence, first_count_of(of_three, "threads"), 4, 12, "inside at once");
         }},
    {.id = "one-order-deadlocks",
     .topic = Topic::sharing,
     .sentence = "false",
     .parts = {&ordered},
     .decide =
         [](const Evidence& evidence) {
           return counted(evidence, first_count_of(ordered, "threads"), 1, 4, "deadlocks");
         }},
    {.id = "waits-overlap-in-threads",
     .topic = Topic::work,
     .sentence = "true",
     .parts = {&sleeping},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(sleeping, "serial"), time_of(sleeping, "threads"), 1.01);
         }},
    {.id = "waits-overlap-in-serial",
     .topic = Topic::work,
     .sentence = "false",
     .parts = {&sleeping},
     .decide =
         [](const Evidence& evidence) {
           return at_least(evidence, time_of(sleeping, "threads"), time_of(sleeping, "serial"), 1.01);
         }},
    {.id = "serial-server-serves-all",
     .topic = Topic::servers,
     .sentence = "false",
     .parts = {&asked},
     .decide =
         [](const Evidence& evidence) {
           return counted(evidence, served_of(asked, "serial"), 4, 4, "of 4 connections served");
         }},
});

TEST(ClaimControls, ComeOutAsTheyMust) {
  std::vector<const Claim*> rows;
  for (const Claim& claim : controls) rows.push_back(&claim);
  const JudgedClaims all = judge_claims(
      own_tables(), rows, {.rounds = fewest_runs}, [](std::string_view) {}, [] { return 0; });
  EXPECT_FALSE(all.results.interrupted);
  ASSERT_EQ(all.judged.size(), rows.size());
  for (const Judged& each : all.judged) {
    const ClaimVerdict due = each.claim->sentence == "true" ? ClaimVerdict::confirmed : ClaimVerdict::refuted;
    const ClaimVerdict wrong = due == ClaimVerdict::confirmed ? ClaimVerdict::refuted : ClaimVerdict::confirmed;
    EXPECT_NE(each.found.verdict, wrong) << each.claim->id << ": " << each.found.figure << each.found.why;
    // A time is left open where others use the CPUs, as tests do.
    if (each.claim->topic == Topic::work && each.found.verdict == ClaimVerdict::inconclusive) continue;
    EXPECT_EQ(each.found.verdict, due) << each.claim->id << ": " << each.found.figure << each.found.why;
  }
}

// Who stops the whole wants what there is by then.
TEST(Claims, ThatAreInterruptedAreJudgedByWhatWasMeasured) {
  constexpr Claim fact_of_time{
      .id = "late", .topic = Topic::work, .sentence = "true", .check = [] { return fact(true, "yes"); }};
  std::vector<const Claim*> rows{&controls[0], &fact_of_time};
  int rounds = 0;
  const JudgedClaims all = judge_claims(
      own_tables(), rows, {.rounds = 100}, [&](std::string_view) { ++rounds; }, [&] { return rounds > 2 ? 1 : 0; });
  EXPECT_TRUE(all.results.interrupted);
  EXPECT_EQ(all.results.cells.at(0).samples.size(), 2U);
  EXPECT_EQ(all.judged.at(0).found.verdict, ClaimVerdict::confirmed);
  EXPECT_EQ(all.judged.at(1).found.verdict, ClaimVerdict::not_run);
  EXPECT_EQ(all.judged.at(1).found.why, "interrupted");
}

Found throws() { throw std::runtime_error("no such thing"); }

TEST(ClaimFacts, AreFoundOutInProcessesOfTheirOwn) {
  for (Found (*check)() :
       {a_child_is_a_zombie_until_it_is_reaped, threads_share_globals_and_processes_do_not, queues_keep_their_order,
        datagrams_keep_their_boundaries_and_a_stream_does_not, the_backlog_bounds_what_waits}) {
    const Found found = check();
    EXPECT_EQ(found.verdict, ClaimVerdict::confirmed) << found.figure << found.why;
  }
  const Found failed = in_a_child(throws);
  EXPECT_EQ(failed.verdict, ClaimVerdict::not_run);
  EXPECT_EQ(failed.why, "no such thing");
}

TEST(ClaimReport, SaysWhatTheNotesSayWhatWasFoundAndWhatIsTrueInstead) {
  constexpr Claim claim{.id = "some-claim",
                        .topic = Topic::units,
                        .sentence = "a costs more than b",
                        .notes = "3 against 2",
                        .otherwise = "They cost the same."};
  const std::vector<Judged> judged{
      {.claim = &claim, .found = {.verdict = ClaimVerdict::refuted, .figure = "a 1.00× b"}}};
  EXPECT_THAT(claims_text(judged, false, 120),
              AllOf(HasSubstr("B. What a unit of concurrency costs\n"), HasSubstr("some-claim: refuted\n"),
                    HasSubstr("  a costs more than b\n"), HasSubstr("    the notes: 3 against 2\n"),
                    HasSubstr("    here: a 1.00× b\n"), HasSubstr("    They cost the same.\n"),
                    HasSubstr("1 claim: 1 refuted. One again: bench claims --claim=ID\n")));
  EXPECT_THAT(claims_markdown(judged),
              HasSubstr("| a costs more than b (`some-claim`) | 3 against 2 | a 1.00× b | refuted |\n"));
  EXPECT_EQ(
      claims_json(judged).dump(),
      R"([{"id":"some-claim","topic":"B","heading":"What a unit of concurrency costs","claim":"a costs more )"
      R"(than b","verdict":"refuted","notes":"3 against 2","found":"a 1.00× b","otherwise":"They cost the same.","again":"bench claims --claim=some-claim"}])");
}

nlohmann::ordered_json file_of(const nlohmann::ordered_json& claims) {
  return {{"context", {{"bench", {{"claims", claims}}}}}};
}

TEST(ClaimReport, IsTheSameFromAFile) {
  const Claim& claim = *all_claims().front();
  const std::vector<Judged> judged{
      {.claim = &claim, .found = {.verdict = ClaimVerdict::refuted, .figure = "a 1.00× b"}},
      {.claim = &claim, .found = {.verdict = ClaimVerdict::conditional, .figure = "2", .condition = "from 40 on"}},
      {.claim = &claim, .found = {.verdict = ClaimVerdict::not_run, .why = "it is not there"}}};
  const std::vector<Judged> read = read_claims(file_of(claims_json(judged)).dump(), "r.json");
  EXPECT_EQ(claims_text(read, false, 120), claims_text(judged, false, 120));
  EXPECT_EQ(claims_json(read), claims_json(judged));
}

TEST(ClaimReport, RefusesWhatIsNoVerdictOnAClaimOfThisVersion) {
  EXPECT_EQ(read_claims(R"({"context": {"bench": {}}})", "r.json").size(), 0U);
  for (const auto& [id, verdict, problem] : {std::tuple("tomorrows-claim", "refuted", "a claim that this version"),
                                             std::tuple("semaphore-admits-k", "perhaps", "no verdict")}) {
    try {
      read_claims(file_of({{{"id", id}, {"verdict", verdict}}}).dump(), "r.json");
      FAIL() << id << " was read";
    } catch (const ResultError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr("r.json"), HasSubstr(problem)));
    }
  }
}

}  // namespace
}  // namespace bench
