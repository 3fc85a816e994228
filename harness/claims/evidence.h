// What a plan's runs say about figures of its cells, and how that decides a claim.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/claims/claim.h"
#include "harness/plan/plan.h"
#include "harness/summary/ranking.h"
#include "harness/summary/sample.h"

namespace bench {

/// A figure of one cell.
struct Figure {
  const Part* part;
  std::string_view model;
  double (*of)(const Group& group, const Sample& sample);
  std::string (*text)(double value);  ///< With its unit.
  std::string_view with{};            ///< What else the cell's name holds, where the part has several of the model.
};

/// The wall time of a batch or an operation; the latency of a request.
Figure time_of(const Part& part, std::string_view model, std::string_view with = {});
/// CPU time of a batch; of a request the server's.
Figure cpu_of(const Part& part, std::string_view model, std::string_view with = {});
/// CPU time of a batch's computation as a plain loop.
Figure computation_of(const Part& part, std::string_view model, std::string_view with = {});
/// Requests per second.
Figure rate_of(const Part& part, std::string_view model, std::string_view with = {});
/// Of requests that are light, where the part has heavy ones too; else of all.
Figure light_p99_of(const Part& part, std::string_view model, std::string_view with = {});
/// Memory of a unit that waits, of all kinds.
Figure unit_memory_of(const Part& part, std::string_view model, std::string_view with = {});
/// What a job counts, by its place among its tallies.
Figure first_count_of(const Part& part, std::string_view model, std::string_view with = {});
Figure second_count_of(const Part& part, std::string_view model, std::string_view with = {});
/// Units alive at once.
Figure units_of(const Part& part, std::string_view model, std::string_view with = {});
/// Connections of a service that were ever answered, and that were established.
Figure served_of(const Part& part, std::string_view model, std::string_view with = {});
Figure established_of(const Part& part, std::string_view model, std::string_view with = {});

/// The runs of a plan whose groups are those of `parts`, one after another.
class Evidence {
 public:
  /// `groups_of` says how many groups each part has. All outlive it.
  Evidence(const Plan& plan, const Results& results, std::span<const Part* const> parts,
           std::span<const std::size_t> groups_of);

  /// The figure of each run that may be believed, by round. Empty: why_missing() says why.
  ByRound values(const Figure& figure) const;
  std::string why_missing(const Figure& figure) const;

  /// How many times `less` goes into `more`, by pairs of the same round, with its 90% interval, so that each of its
  /// ends is a one-sided bound at 95%.
  std::optional<Ratio> ratio(const Figure& more, const Figure& less) const;
  std::optional<double> median_of(const Figure& figure) const;

  /// What other processes used of the CPUs beside its runs, as a share; the median.
  double others_busy(const Figure& figure) const;

  /// Memory of a connection of the part's cell under that model; nothing where it is not known.
  std::optional<double> connection_memory(const Part& part, std::string_view model) const;

  std::uint32_t cpus() const;  ///< That jobs may use.

 private:
  std::optional<std::size_t> cell_of(const Part* part, std::string_view model, std::string_view with) const;

  const Plan& plan_;
  const Results& results_;
  std::map<const Part*, std::pair<std::size_t, std::size_t>> groups_;  // first and how many
};

/// What shares its CPUs with others says little of how it compares: a refutation by such runs is inconclusive.
Found unless_disturbed(const Evidence& evidence, std::initializer_list<Figure> figures, Found found);

/// `more` is at least `bound` times `less`: confirmed where the whole interval says so, refuted where it denies it.
Found at_least(const Evidence& evidence, const Figure& more, const Figure& less, double bound);

/// The two differ by `share` at the most.
Found alike(const Evidence& evidence, const Figure& one, const Figure& other, double share);

/// A figure that is counted, and not measured, lies within bounds in every run.
Found counted(const Evidence& evidence, const Figure& figure, double least, double most, std::string_view what);

/// The median of a figure in nanoseconds lies within bounds.
Found lasts(const Evidence& evidence, const Figure& figure, double least_ns, double most_ns, std::string_view what);

/// All of them: refuted where one is, not run where one is not, confirmed where all are.
Found all_of(std::vector<Found> findings);

/// Something that was found out and is no estimate.
Found fact(bool holds, std::string found);

/// The first of `findings`, in the order of `conditions`, from which on all are confirmed, as the condition; refuted
/// where the last one is not.
Found from_where(const std::vector<Found>& findings, const std::vector<std::string>& conditions);

}  // namespace bench
