// `bench claims`: what the notes claim, tried on this machine.
#pragma once

#include <span>

#include "harness/app/app.h"
#include "harness/claims/claim.h"

namespace bench {

/// Prints them as `options` say: as text, or as tables of Markdown.
void print_claims(std::span<const Judged> claims, const Options& options);

/// Carries out Command::claims.
Exit claims(const Tables& tables, const Options& options);

}  // namespace bench
