// Values of parameters: as they are written on the command line, in the names of cells, in titles.
#pragma once

#include <string>
#include <string_view>

#include "workloads/parameter.h"

namespace bench {

/// The value that `text` writes. Throws std::invalid_argument with what is wrong, or with what is allowed; a bound and
/// the choices are those of `workload`.
ParameterValue parse_parameter(const Parameter& row, std::string_view text, std::string_view workload);

/// The value where none is given.
ParameterValue standard_value(const Parameter& row);

/// As names of cells have it, which is all of it: "100", "10ms+20ms", "async". A colon separates a parameter from its
/// value there, so that the times of durations are joined by a plus.
std::string value_in_name(const Parameter& row, const ParameterValue& value);

/// "/tasks:100/wait:10ms"
std::string parameters_in_name(const Parameters& parameters);

/// " · 100 tasks · wait 10ms"
std::string parameters_in_title(const Parameters& parameters);

/// In result files: the row's key, or "idle_share_percent".
std::string key_of(const Parameter& row);

/// A bound of a count, a size, a duration, a rate or a share, for people: "10,000,000", "1ms", "50%".
std::string bound_text(const Parameter& row, double bound);

/// The choices there are; empty of another kind.
std::span<const std::string_view> choices_of(const Parameter& row);

}  // namespace bench
