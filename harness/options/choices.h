// What the flags that name a choice have to choose from, for whoever reads and whoever completes them.
#pragma once

#include <array>
#include <string_view>
#include <utility>

#include "harness/options/options.h"
#include "harness/options/service_options.h"

namespace bench {

template <typename Choice, std::size_t N>
using Choices = std::array<std::pair<std::string_view, Choice>, N>;

inline constexpr Choices<Format, 4> format_choices{
    {{"console", Format::console}, {"json", Format::json}, {"csv", Format::csv}, {"markdown", Format::markdown}}};

inline constexpr Choices<ExportFormat, 4> export_format_choices{{{"github-action", ExportFormat::github_action},
                                                                 {"csv", ExportFormat::csv},
                                                                 {"markdown", ExportFormat::markdown},
                                                                 {"junit", ExportFormat::junit}}};

inline constexpr Choices<Color, 3> color_choices{
    {{"auto", Color::automatic}, {"always", Color::always}, {"never", Color::never}}};

inline constexpr Choices<bool, 2> undecided_choices{{{"slower", false}, {"undecided", true}}};  // of --fail-on

inline constexpr Choices<Arrivals, 2> arrivals_choices{
    {{"constant", Arrivals::constant}, {"poisson", Arrivals::poisson}}};

inline constexpr Choices<Dispatch, 2> dispatch_choices{{{"each", Dispatch::each}, {"any", Dispatch::any}}};

inline constexpr Choices<ReplyCheck, 3> check_choices{
    {{"status", ReplyCheck::status}, {"length", ReplyCheck::length}, {"body", ReplyCheck::body}}};

inline constexpr Choices<Sources, 3> source_choices{
    {{"auto", Sources::automatic}, {"one", Sources::one}, {"spread", Sources::spread}}};

inline constexpr Choices<bool, 1> over_choices{{{"mpi", true}}};

}  // namespace bench
