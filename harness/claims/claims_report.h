// Claims with their verdicts, for people and as a document.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/claims/claim.h"

namespace bench {

/// A heading and a block for each claim of each topic, and how many there are of each verdict.
std::string claims_text(std::span<const Judged> claims, bool emphasis, std::size_t width);
std::string claims_markdown(std::span<const Judged> claims);

/// The array "claims" of a result file's context.
nlohmann::ordered_json claims_json(std::span<const Judged> claims);

/// The verdicts of a result file, in its order; none where it has none. Throws ResultError.
std::vector<Judged> read_claims(std::string_view text, const std::string& name);

/// "48 confirmed, 3 refuted, 2 inconclusive".
std::string count_text(std::span<const Judged> claims);

}  // namespace bench
