#include "harness/app/claims_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <vector>

#include "harness/app/interrupts.h"
#include "harness/app/run_command.h"
#include "harness/claims/claims_report.h"
#include "harness/claims/experiments.h"
#include "harness/options/flags.h"
#include "harness/report/result_file.h"
#include "harness/report/results.h"
#include "harness/session/progress.h"
#include "harness/text/suggest.h"
#include "harness/text/terminal.h"

namespace bench {
namespace {

std::vector<const Claim*> chosen(const ClaimOptions& options) {
  const std::vector<const Claim*> all = all_claims();
  std::vector<std::string_view> ids;
  for (const Claim* claim : all) ids.push_back(claim->id);
  for (const std::string& id : options.ids) {
    if (std::ranges::find(ids, id) == ids.end()) usage_error("claim", id, "unknown claim" + did_you_mean(id, ids));
  }
  for (const std::string& letter : options.topics) {
    const auto has_letter = [&](const Claim* claim) { return topic_letter(claim->topic) == letter; };
    if (std::ranges::none_of(all, has_letter)) usage_error("group", letter, "allowed are A, B, C, D");
  }
  std::vector<const Claim*> claims;
  for (const Claim* claim : all) {
    const bool named = std::ranges::find(options.ids, claim->id) != options.ids.end();
    const bool of_topic = std::ranges::find(options.topics, topic_letter(claim->topic)) != options.topics.end();
    if (named || of_topic || (options.ids.empty() && options.topics.empty())) claims.push_back(claim);
  }
  return claims;
}

// A result file of all runs, with the verdicts.
nlohmann::ordered_json document_of(const JudgedClaims& all, const Options& options, const std::string& date) {
  nlohmann::ordered_json document =
      make_document({.options = options, .machine = all.machine, .plan = all.plan, .date = date}, all.results);
  document["context"]["bench"]["claims"] = claims_json(all.judged);
  return document;
}

}  // namespace

void print_claims(std::span<const Judged> claims, const Options& options) {
  print(options.format == Format::markdown ? claims_markdown(claims)
                                           : claims_text(claims, emphasis(options), terminal_width(STDOUT_FILENO)));
}

Exit claims(const Tables& tables, const Options& options) {
  constexpr ClaimRules thorough{.rounds = 16, .max_time_ns = 420'000'000'000, .quick = false};
  constexpr ClaimRules quick{.rounds = 7, .max_time_ns = 0, .quick = true};
  const std::vector<const Claim*> asked = chosen(options.claims);
  raise_descriptor_limit();
  const std::string date = iso_time();
  std::optional<ResultFile> file = result_file(options, read_machine());
  count_interrupts();
  Progress progress(options.progress);
  const auto tell = [&](const std::string& line) {
    if (options.progress) progress.line(line);
  };
  const JudgedClaims all = judge_claims(
      tables, asked, options.claims.quick ? quick : thorough, [&](std::string_view line) { tell(std::string(line)); },
      interrupts);
  const nlohmann::ordered_json document = document_of(all, options, date);
  std::optional<std::system_error> problem;  // the verdicts are not lost to a disk that is full
  try {
    if (file) file->write(document);
  } catch (const std::system_error& error) {
    problem = error;
  }
  if (options.format == Format::json || options.out == "-") {
    print(document_text(document));
  } else if (!options.quiet) {
    print_claims(all.judged, options);
  }
  if (problem) throw *problem;
  if (file) tell(fmt::format("wrote {}", file->path()));
  if (all.results.interrupted) return Exit::interrupted;
  const auto is_refuted = [](const Judged& each) { return each.found.verdict == ClaimVerdict::refuted; };
  return options.claims.strict && std::ranges::any_of(all.judged, is_refuted) ? Exit::slower : Exit::done;
}

}  // namespace bench
