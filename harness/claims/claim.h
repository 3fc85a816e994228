// What the teaching notes claim, as rows: each with the experiment that decides it on this machine.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

class Evidence;

/// What the notes' claims are about, in the order of the table.
enum class Topic : std::uint8_t { work, units, sharing, servers };

/// "A", "B", …, and the heading.
std::string_view topic_letter(Topic topic);
std::string_view topic_title(Topic topic);

enum class ClaimVerdict : std::uint8_t {
  confirmed,
  conditional,   ///< Confirmed here, if what `Found::condition` says.
  refuted,       ///< The interval excludes it.
  inconclusive,  ///< The interval spans the bound.
  not_run,
};

/// As tables and files have it: "confirmed", "confirmed here, if", …
std::string_view verdict_name(ClaimVerdict verdict);

/// What an experiment has come to.
struct Found {
  ClaimVerdict verdict = ClaimVerdict::not_run;
  std::string figure{};     ///< What was found: "serial takes 1.93× as long as threads (95%: 1.90 to 1.95)".
  std::string condition{};  ///< With `conditional`: "from 40 connections on".
  std::string why{};        ///< With `inconclusive` how many rounds would decide, with `not_run` the reason.
};

/// How often the cells of a part are run.
enum class Often : std::uint8_t {
  each_round,
  fifth_round,  ///< What is counted, or far from its bound.
  once,         ///< What is no estimate from rounds.
};

/// The cells that experiments share: the flags of `bench run` that make them.
struct Part {
  std::string_view flags;
  Often often = Often::each_round;
  bool slow = false;  ///< Left out by --quick.
};

/// A row. All texts are static.
struct Claim {
  std::string_view id;
  Topic topic;
  std::string_view sentence;
  std::string_view notes{};            ///< The notes' own figure; empty: they give none.
  std::array<const Part*, 4> parts{};  ///< What it needs; unused ones are null.
  Found (*decide)(const Evidence& evidence) = nullptr;
  Found (*check)() = nullptr;    ///< In the place of `decide`: a fact, found out in processes of its own.
  std::string_view otherwise{};  ///< Where it is refuted: why, and what is true instead.
};

/// Every claim, in the order of the table.
std::vector<const Claim*> all_claims();

/// Those of one topic.
std::span<const Claim> claims_on_work();
std::span<const Claim> claims_on_units();
std::span<const Claim> claims_on_sharing();
std::span<const Claim> claims_on_servers();

/// A claim and what has come of it.
struct Judged {
  const Claim* claim = nullptr;
  Found found;
};

}  // namespace bench
