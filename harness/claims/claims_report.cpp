#include "harness/claims/claims_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "harness/text/json_place.h"
#include "harness/text/table.h"

namespace bench {
namespace {

// "confirmed here, if 100 connections are idle": the verdict with its condition.
std::string verdict_text(const Found& finding) {
  const std::string name(verdict_name(finding.verdict));
  return finding.condition.empty() ? name : name + " " + finding.condition;
}

// What was found, and what follows from it.
std::vector<std::string> lines_of(const Judged& judged) {
  std::vector<std::string> lines;
  const Found& finding = judged.found;
  if (!judged.claim->notes.empty()) lines.push_back(fmt::format("the notes: {}", judged.claim->notes));
  if (!finding.figure.empty()) lines.push_back(fmt::format("here: {}", finding.figure));
  if (!finding.why.empty()) lines.push_back(finding.why);
  if (finding.verdict == ClaimVerdict::refuted && !judged.claim->otherwise.empty()) {
    lines.emplace_back(judged.claim->otherwise);
  }
  return lines;
}

constexpr auto every_verdict = std::to_array({ClaimVerdict::confirmed, ClaimVerdict::conditional, ClaimVerdict::refuted,
                                              ClaimVerdict::inconclusive, ClaimVerdict::not_run});

ClaimVerdict read_verdict(const JsonPlace& place) {
  const auto verdict = std::ranges::find(every_verdict, place.text(), verdict_name);
  if (verdict == every_verdict.end()) place.refuse("no verdict");
  return *verdict;
}

std::string heading_of(Topic topic) { return fmt::format("{}. {}", topic_letter(topic), topic_title(topic)); }

}  // namespace

std::string count_text(std::span<const Judged> claims) {
  std::vector<std::string> counts;
  for (const ClaimVerdict verdict : every_verdict) {
    const auto count = std::ranges::count(claims, verdict, [](const Judged& each) { return each.found.verdict; });
    const std::string_view name =
        verdict == ClaimVerdict::conditional ? "confirmed under a condition" : verdict_name(verdict);
    if (count != 0) counts.push_back(fmt::format("{} {}", count, name));
  }
  return fmt::format("{} claim{}: {}", claims.size(), claims.size() == 1 ? "" : "s", fmt::join(counts, ", "));
}

std::string claims_text(std::span<const Judged> claims, bool emphasis, std::size_t width) {
  std::string text;
  std::optional<Topic> topic;
  const char* const bold = emphasis ? "\x1b[1m" : "";
  const char* const plain = emphasis ? "\x1b[0m" : "";
  for (const Judged& judged : claims) {
    if (topic != judged.claim->topic) {
      topic = judged.claim->topic;
      text += fmt::format("{}{}{}{}\n\n", text.empty() ? "" : "\n", bold, heading_of(*topic), plain);
    }
    text += fmt::format("{}{}{}: {}\n", bold, judged.claim->id, plain, verdict_text(judged.found));
    text += wrapped(fmt::format("  {}\n", judged.claim->sentence), width, 2);
    for (const std::string& line : lines_of(judged)) text += wrapped(fmt::format("    {}\n", line), width, 4);
  }
  return text + fmt::format("\n{}. One again: bench claims --claim=ID\n", count_text(claims));
}

std::string claims_markdown(std::span<const Judged> claims) {
  std::string text = fmt::format("{}.\n", count_text(claims));
  std::optional<Topic> topic;
  for (const Judged& judged : claims) {
    if (topic != judged.claim->topic) {
      topic = judged.claim->topic;
      text +=
          fmt::format("\n### {}\n\n| claim | the notes | here | verdict |\n|---|---|---|---|\n", heading_of(*topic));
    }
    const Found& finding = judged.found;
    const std::string here = finding.figure.empty() ? finding.why : finding.figure;
    text += fmt::format("| {} (`{}`) | {} | {} | {} |\n", judged.claim->sentence, judged.claim->id, judged.claim->notes,
                        here, verdict_text(finding));
  }
  return text;
}

nlohmann::ordered_json claims_json(std::span<const Judged> claims) {
  auto rows = nlohmann::ordered_json::array();
  for (const Judged& judged : claims) {
    nlohmann::ordered_json row{{"id", judged.claim->id},
                               {"topic", topic_letter(judged.claim->topic)},
                               {"heading", topic_title(judged.claim->topic)},
                               {"claim", judged.claim->sentence},
                               {"verdict", verdict_name(judged.found.verdict)}};
    const auto add = [&](const char* key, std::string_view value) {
      if (!value.empty()) row[key] = value;
    };
    add("notes", judged.claim->notes);
    add("condition", judged.found.condition);
    add("found", judged.found.figure);
    add("why", judged.found.why);
    if (judged.found.verdict == ClaimVerdict::refuted) add("otherwise", judged.claim->otherwise);
    row["again"] = fmt::format("bench claims --claim={}", judged.claim->id);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Judged> read_claims(std::string_view text, const std::string& name) {
  const nlohmann::json document = parse_json(text, name);
  std::vector<Judged> claims;
  const std::vector<const Claim*> known = all_claims();
  const auto rows = JsonPlace(document, name).at("context").at("bench").find("claims");
  if (!rows) return claims;
  for (const JsonPlace& row : rows->elements()) {
    const auto claim = std::ranges::find(known, row.at("id").text(), &Claim::id);
    if (claim == known.end()) row.at("id").refuse("a claim that this version does not have");
    const auto read = [&](const char* key) {
      const auto place = row.find(key);
      return place ? place->text() : std::string();
    };
    claims.push_back({.claim = *claim,
                      .found = {.verdict = read_verdict(row.at("verdict")),
                                .figure = read("found"),
                                .condition = read("condition"),
                                .why = read("why")}});
  }
  return claims;
}

}  // namespace bench
