#include "harness/claims/evidence.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "harness/summary/summary_kind.h"
#include "harness/text/quantities.h"

namespace bench {
namespace {

double wall_ns(const Group& group, const Sample& sample) { return sample.*summary_kind(group).cost; }
double cpu_ns(const Group& /*group*/, const Sample& sample) { return sample.cpu_ns; }
double computation_ns(const Group& /*group*/, const Sample& sample) { return sample.ideal_cpu_ns; }
double rate(const Group& /*group*/, const Sample& sample) { return sample.service->rate; }
double light_p99_ns(const Group& /*group*/, const Sample& sample) {
  const std::vector<ClassSample>& classes = sample.service->classes;
  return classes.empty() ? sample.latency_ns[Shown::p99] : classes.front().latency_ns[Shown::p99];
}
// A slope may come out below zero where a unit takes next to nothing, and counts as this.
constexpr double least_unit_bytes = 64;
double unit_bytes(const Group& /*group*/, const Sample& sample) {
  return std::max(sample.primitive->memory.user_bytes + sample.primitive->memory.kernel_bytes, least_unit_bytes);
}
std::string unit_bytes_text(double bytes) {
  return bytes > least_unit_bytes ? format_bytes(bytes) : "less than can be measured";
}
template <std::size_t place>
double count(const Group& /*group*/, const Sample& sample) {
  return sample.tallies.at(place);
}
double units(const Group& /*group*/, const Sample& sample) { return sample.units_peak; }
double served(const Group& /*group*/, const Sample& sample) {
  return static_cast<double>(sample.service->load.active_served);
}
double established(const Group& /*group*/, const Sample& sample) {
  return static_cast<double>(sample.service->load.connections_established);
}

// Some figures of runs that are invalid for others may be believed: that connections are not served, and their requests
// not answered, is what a claim may be about; a busy server's rate is the server's although the generator, which may
// have to share its CPUs, waited for one; and an offered rate that was met was met.
bool is_believed(const Figure& figure, const Sample& sample) {
  if (why_invalid(sample).empty()) return true;
  if (!sample.service) return false;
  const Judgement& judgement = sample.service->judgement;
  const bool is_count = figure.of == served || figure.of == established;
  if (judgement.doubt == Doubt::unanswered) return is_count;
  if (judgement.doubt != Doubt::kept_off) return false;
  const bool is_met = judgement.limit == Limit::rate;
  return (is_count && is_met) || (figure.of == rate && (is_met || judgement.limit == Limit::server));
}

std::string per_second(double rate) { return format_count(rate) + "/s"; }

std::string name_of(const Figure& figure) {
  std::string_view with = figure.with;  // a piece of the cell's name: "/cpus:1"
  if (with.starts_with('/')) with.remove_prefix(1);
  if (with.ends_with('/')) with.remove_suffix(1);
  return with.empty() ? std::string(figure.model) : fmt::format("{} ({})", figure.model, with);
}

// "serial 80.3 ms, coroutines 50.2 ms: 1.60× (95%: 1.59 to 1.61)".
std::string ratio_text(const Evidence& evidence, const Figure& more, const Figure& less, const Ratio& ratio) {
  const char* const format = ratio.effect < 10 ? "{:.2f}" : "{:.0f}";
  const auto number = [&](double value) { return fmt::format(fmt::runtime(format), value); };
  const auto value = [&](const Figure& figure) {
    return fmt::format("{} {}", name_of(figure), figure.text(*evidence.median_of(figure)));
  };
  return fmt::format("{}, {}: {}× (95%: {} to {})", value(more), value(less), number(ratio.effect), number(ratio.low),
                     number(ratio.high));
}

// Intervals shrink with the square root of the number of rounds.
std::string rounds_to_decide(const Ratio& ratio, double bound) {
  const double distance = std::abs(std::log(ratio.effect / bound));
  const double half = std::log(ratio.high / ratio.low) / 2;
  constexpr double most = 1e5;
  if (distance <= 0 || half / distance > std::sqrt(most)) return "it lies on the bound: no number of rounds decides";
  const double rounds = static_cast<double>(ratio.pairs) * std::pow(half / distance, 2);
  return fmt::format("about {:.0f} rounds would decide, {} were run", std::ceil(rounds), ratio.pairs);
}

Found missing(const Evidence& evidence, const Figure& one, const Figure& other) {
  std::string why = evidence.why_missing(one);
  if (why.empty()) why = evidence.why_missing(other);
  return {.verdict = ClaimVerdict::not_run, .why = why.empty() ? "no round has both" : why};
}

}  // namespace

Figure time_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, wall_ns, format_duration, with};
}
Figure cpu_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, cpu_ns, format_duration, with};
}
Figure computation_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, computation_ns, format_duration, with};
}
Figure rate_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, rate, per_second, with};
}
Figure light_p99_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, light_p99_ns, format_duration, with};
}
Figure unit_memory_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, unit_bytes, unit_bytes_text, with};
}
Figure first_count_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, count<0>, format_count, with};
}
Figure second_count_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, count<1>, format_count, with};
}
Figure units_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, units, format_count, with};
}
Figure served_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, served, format_count, with};
}
Figure established_of(const Part& part, std::string_view model, std::string_view with) {
  return {&part, model, established, format_count, with};
}

Evidence::Evidence(const Plan& plan, const Results& results, std::span<const Part* const> parts,
                   std::span<const std::size_t> groups_of)
    : plan_(plan), results_(results) {
  std::size_t first = 0;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    groups_[parts[index]] = {first, groups_of[index]};
    first += groups_of[index];
  }
}

std::optional<std::size_t> Evidence::cell_of(const Part* part, std::string_view model, std::string_view with) const {
  const auto groups = groups_.find(part);
  if (groups == groups_.end()) return std::nullopt;
  const auto [first, count] = groups->second;
  for (std::size_t group = first; group < first + count; ++group) {
    for (const std::size_t cell : plan_.groups[group].cells) {
      const Cell& row = plan_.cells[cell];
      if (row.model->name == model && row.name.find(with) != std::string::npos) return cell;
    }
  }
  return std::nullopt;
}

ByRound Evidence::values(const Figure& figure) const {
  ByRound values;
  const auto cell = cell_of(figure.part, figure.model, figure.with);
  if (!cell || results_.cells[*cell].failure) return values;
  const Group& group = plan_.group_of(plan_.cells[*cell]);
  for (const Sample& sample : results_.cells[*cell].samples) {
    if (!is_believed(figure, sample)) continue;
    values[sample.round] = {.value = figure.of(group, sample), .regime = Regime::unknown};
  }
  return values;
}

std::string Evidence::why_missing(const Figure& figure) const {
  const auto cell = cell_of(figure.part, figure.model, figure.with);
  if (!cell) return groups_.contains(figure.part) ? "there is no such cell here" : "left out by --quick";
  const Cell& row = plan_.cells[*cell];
  if (row.skipped) return fmt::format("{}: {}", row.name, *row.skipped);
  const CellResult& result = results_.cells[*cell];
  if (result.failure) return fmt::format("{}: {}", row.name, *result.failure);
  if (!values(figure).empty()) return {};
  if (result.samples.empty()) return fmt::format("{}: no run was made in time", row.name);
  return fmt::format("{}: {}", row.name, why_invalid(result.samples.front()));
}

std::optional<Ratio> Evidence::ratio(const Figure& more, const Figure& less) const {
  return ratio_within_rounds(values(more), values(less), 0.90);
}

std::optional<double> Evidence::median_of(const Figure& figure) const {
  std::vector<double> all;
  for (const auto& [round, value] : values(figure)) all.push_back(value.value);
  if (all.empty()) return std::nullopt;
  return median(all);
}

double Evidence::others_busy(const Figure& figure) const {
  const auto cell = cell_of(figure.part, figure.model, figure.with);
  if (!cell || results_.cells[*cell].samples.empty()) return 0;
  std::vector<double> shares;
  for (const Sample& sample : results_.cells[*cell].samples) shares.push_back(sample.surroundings.others_busy);
  return median(shares);
}

std::optional<double> Evidence::connection_memory(const Part& part, std::string_view model) const {
  const auto cell = cell_of(&part, model, {});
  if (!cell || !results_.cells[*cell].memory) return std::nullopt;
  const UnitMemory& memory = *results_.cells[*cell].memory;
  return memory.user_bytes + memory.kernel_bytes;
}

std::uint32_t Evidence::cpus() const {
  const auto job = std::ranges::find_if(plan_.groups, [](const Group& group) { return group.job != nullptr; });
  return job == plan_.groups.end() ? 1 : static_cast<std::uint32_t>(job->usable_cpus());
}

Found unless_disturbed(const Evidence& evidence, std::initializer_list<Figure> figures, Found found) {
  double others = 0;
  for (const Figure& figure : figures) others = std::max(others, evidence.others_busy(figure));
  if (found.verdict != ClaimVerdict::refuted || others <= disturbing_share) return found;
  found.verdict = ClaimVerdict::inconclusive;
  found.why = fmt::format("other processes used {:.0f}% of the CPUs; repeat on a quieter machine", others * 100);
  return found;
}

Found at_least(const Evidence& evidence, const Figure& more, const Figure& less, double bound) {
  const std::optional<Ratio> ratio = evidence.ratio(more, less);
  if (!ratio) return missing(evidence, more, less);
  Found found{.figure = ratio_text(evidence, more, less, *ratio)};
  found.verdict = !ratio->bounded       ? ClaimVerdict::inconclusive
                  : ratio->low >= bound ? ClaimVerdict::confirmed
                  : ratio->high < bound ? ClaimVerdict::refuted
                                        : ClaimVerdict::inconclusive;
  if (found.verdict != ClaimVerdict::inconclusive) return unless_disturbed(evidence, {more, less}, std::move(found));
  found.why = ratio->bounded ? rounds_to_decide(*ratio, bound)
                             : "fewer than 5 rounds with runs that may be believed give no interval";
  return found;
}

Found alike(const Evidence& evidence, const Figure& one, const Figure& other, double share) {
  const std::optional<Ratio> ratio = evidence.ratio(one, other);
  if (!ratio) return missing(evidence, one, other);
  const double low = 1 / (1 + share);
  const double high = 1 + share;
  Found found{.figure = ratio_text(evidence, one, other, *ratio)};
  if (!ratio->bounded) {
    found.verdict = ClaimVerdict::inconclusive;
    found.why = "fewer than 5 rounds with runs that may be believed give no interval";
  } else if (ratio->low >= low && ratio->high <= high) {
    found.verdict = ClaimVerdict::confirmed;
  } else if (ratio->high < low || ratio->low > high) {
    found.verdict = ClaimVerdict::refuted;
  } else {
    found.verdict = ClaimVerdict::inconclusive;
    found.why = rounds_to_decide(*ratio, ratio->effect > 1 ? high : low);
  }
  return unless_disturbed(evidence, {one, other}, std::move(found));
}

Found counted(const Evidence& evidence, const Figure& figure, double least, double most, std::string_view what) {
  const ByRound values = evidence.values(figure);
  if (values.empty()) return {.verdict = ClaimVerdict::not_run, .why = evidence.why_missing(figure)};
  double low = values.begin()->second.value;
  double high = low;
  for (const auto& [round, value] : values) {
    low = std::min(low, value.value);
    high = std::max(high, value.value);
  }
  const std::string range = low == high ? fmt::format("{:.0f}", low) : fmt::format("{:.0f} to {:.0f}", low, high);
  return fact(low >= least && high <= most, fmt::format("{}: {} {}", name_of(figure), range, what));
}

Found lasts(const Evidence& evidence, const Figure& figure, double least_ns, double most_ns, std::string_view what) {
  const std::optional<double> median_ns = evidence.median_of(figure);
  if (!median_ns) return {.verdict = ClaimVerdict::not_run, .why = evidence.why_missing(figure)};
  Found found = fact(*median_ns >= least_ns && *median_ns <= most_ns,
                     fmt::format("{}: {}, {}", name_of(figure), format_duration(*median_ns), what));
  return unless_disturbed(evidence, {figure}, std::move(found));
}

Found all_of(std::vector<Found> findings) {
  std::vector<std::string_view> figures;
  for (const Found& finding : findings) {
    if (!finding.figure.empty()) figures.push_back(finding.figure);
  }
  const auto worst = [&](ClaimVerdict verdict) { return std::ranges::find(findings, verdict, &Found::verdict); };
  Found all{.verdict = ClaimVerdict::confirmed, .figure = fmt::format("{}", fmt::join(figures, "; "))};
  for (const ClaimVerdict verdict : {ClaimVerdict::refuted, ClaimVerdict::not_run, ClaimVerdict::inconclusive}) {
    if (const auto found = worst(verdict); found != findings.end()) {
      all.verdict = verdict;
      all.why = found->why;
      break;
    }
  }
  return all;
}

Found fact(bool holds, std::string found) {
  return {.verdict = holds ? ClaimVerdict::confirmed : ClaimVerdict::refuted, .figure = std::move(found)};
}

Found from_where(const std::vector<Found>& findings, const std::vector<std::string>& conditions) {
  const auto is_confirmed = [](const Found& finding) { return finding.verdict == ClaimVerdict::confirmed; };
  const auto last_other = std::find_if_not(findings.rbegin(), findings.rend(), is_confirmed);
  Found whole = all_of(findings);
  if (last_other == findings.rbegin() || whole.verdict == ClaimVerdict::not_run) return findings.back();
  if (last_other == findings.rend()) return whole;
  const auto first = static_cast<std::size_t>(findings.rend() - last_other);
  return {.verdict = ClaimVerdict::conditional, .figure = findings[first].figure, .condition = conditions[first]};
}

}  // namespace bench
