// Why: a mistyped model or option should cost its user one glance, not a search through the help.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bench {

/// The candidate that `word` was probably meant to be, for "did you mean"; none if nothing is near.
///
/// Near is a Damerau-Levenshtein distance (optimal string alignment: insertions, deletions,
/// replacements, swaps of neighbours) of at most a third of `word`, but always 1; or a candidate
/// that begins with `word`, from two letters on. The nearest wins, the first among equals. Case
/// of ASCII letters is ignored. The result points into `candidates`.
std::optional<std::string_view> closest(std::string_view word, std::span<const std::string_view> candidates);

/// "; did you mean 'epoll'?", or nothing where no candidate is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace bench
