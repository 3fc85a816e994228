#include "workloads/parameter.h"

#include <algorithm>

namespace bench {
namespace {

auto entry_named(std::span<const Parameters::Entry> entries, std::string_view name) {
  return std::ranges::find_if(entries, [name](const Parameters::Entry& entry) { return entry.first->name == name; });
}

}  // namespace

void Parameters::set(const Parameter& parameter, ParameterValue value) {
  const auto found =
      std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.first->name == parameter.name; });
  if (found != entries_.end()) {
    found->second = std::move(value);
  } else {
    entries_.emplace_back(&parameter, std::move(value));
  }
}

const ParameterValue* Parameters::find(std::string_view name) const noexcept {
  const auto found = entry_named(entries_, name);
  return found != std::span(entries_).end() ? &found->second : nullptr;
}

std::uint64_t Parameters::number(std::string_view name, std::uint64_t otherwise) const {
  const ParameterValue* const value = find(name);
  return value ? std::get<std::uint64_t>(*value) : otherwise;
}

double Parameters::real(std::string_view name, double otherwise) const {
  const ParameterValue* const value = find(name);
  return value ? std::get<double>(*value) : otherwise;
}

std::span<const std::chrono::nanoseconds> Parameters::durations(std::string_view name) const {
  const ParameterValue* const value = find(name);
  if (!value) return {};
  return std::get<std::vector<std::chrono::nanoseconds>>(*value);
}

CountPair Parameters::pair(std::string_view name) const {
  const ParameterValue* const value = find(name);
  return value ? std::get<CountPair>(*value) : CountPair{};
}

std::string_view Parameters::choice(std::string_view name) const {
  const auto found = entry_named(entries_, name);
  if (found == std::span(entries_).end()) return {};
  return found->first->choices[std::get<std::uint64_t>(found->second)];
}

}  // namespace bench
