#include "harness/options/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <vector>

#include "harness/options/choices.h"
#include "harness/options/flags.h"
#include "harness/options/options.h"
#include "harness/options/suites.h"
#include "harness/options/workload_parameters.h"
#include "harness/text/parameters.h"

namespace bench {
namespace {

constexpr std::array commands{Command::run,           Command::list, Command::serve,  Command::load,
                              Command::compare,       Command::ab,   Command::doctor, Command::claims,
                              Command::export_result, Command::show, Command::help,   Command::version};

template <typename Row>
void add_names(RowList<Row> rows, std::vector<std::string>& names) {
  for (const Row& row : rows) names.emplace_back(row.name);
}

template <typename Choice, std::size_t N>
std::vector<std::string> names_of(const Choices<Choice, N>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, choice] : choices) names.emplace_back(name);
  return names;
}

// The values of a flag that are names.
std::map<std::string, std::vector<std::string>> named_values(const Tables& tables) {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string>& models = values["model"] = {"all"};
  add_names(tables.models, models);
  add_names(tables.references, models);
  std::vector<std::string>& workloads = values["workload"] = {"all", "primitives"};
  add_names(tables.jobs, workloads);
  add_names(tables.services, workloads);
  add_names(tables.primitives, workloads);
  values["format"] = names_of(format_choices);
  values["color"] = names_of(color_choices);
  values["fail-on"] = names_of(undecided_choices);
  values["arrivals"] = names_of(arrivals_choices);
  values["dispatch"] = names_of(dispatch_choices);
  values["check"] = names_of(check_choices);
  values["source"] = names_of(source_choices);
  values["over"] = names_of(over_choices);
  for (const Suite& suite : all_suites()) values["suite"].emplace_back(suite.name);
  for (const WorkloadParameters& workload : every_workload(tables)) {
    for (const Parameter& row : workload.parameters) {
      std::vector<std::string>& choices = values[std::string(row.name)];
      for (const std::string_view choice : choices_of(row)) {
        if (std::ranges::find(choices, choice) == choices.end()) choices.emplace_back(choice);
      }
    }
  }
  std::erase_if(values, [](const auto& entry) { return entry.second.empty(); });
  return values;
}

// As man(7) shows it letter for letter.
std::string verbatim(std::string_view text) {
  std::string page = ".nf\n";
  for (const std::string& line : split(text, '\n')) {
    if (line.starts_with('.') || line.starts_with('\'')) page += "\\&";
    for (const char letter : line) {
      if (letter == '\\') {
        page += "\\e";
      } else if (letter == '-') {
        page += "\\-";
      } else {
        page += letter;
      }
    }
    page += '\n';
  }
  return page + ".fi\n";
}

}  // namespace

std::string bash_completion(const Tables& tables) {
  std::vector<std::string> names;
  std::string flags_of;
  for (const Command command : commands) {
    names.emplace_back(command_name(command));
    std::vector<std::string> flags;
    if (command == Command::list || command == Command::help || command == Command::version) {
      flags.emplace_back("--help");
      if (command == Command::help) flags.assign(help_parts.begin(), help_parts.end());
      flags_of += fmt::format("    {}) words='{}' ;;\n", command_name(command), fmt::join(flags, " "));
      continue;
    }
    for (const FlagRow& row : all_flags(tables)) {
      const bool taken = row.taken_by(command) || (command == Command::ab && row.taken_by(Command::run));
      if (taken && row.subject != Subject::testing) {
        flags.push_back(fmt::format("--{}{}", row.name, row.takes_value() ? "=" : ""));
      }
    }
    flags_of += fmt::format("    {}) words='{}' ;;\n", command_name(command), fmt::join(flags, " "));
  }
  std::string values_of;
  for (const auto& [flag, values] : named_values(tables)) {
    values_of += fmt::format("    --{}) words='{}' ;;\n", flag, fmt::join(values, " "));
  }
  std::vector<std::string> services;
  add_names(tables.services, services);
  return fmt::format(R"(# Completes the command line of bench in bash.
_bench() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} flag='' words='' command=run
  case ${{COMP_WORDS[1]}} in -*) ;; *) ((COMP_CWORD > 1)) && command=${{COMP_WORDS[1]}} ;; esac
  COMPREPLY=()
  # Bash takes the '=' for a word of its own.
  if [[ $current == = ]]; then
    flag=${{COMP_WORDS[COMP_CWORD-1]}} current=''
  elif [[ ${{COMP_WORDS[COMP_CWORD-1]}} == = ]]; then
    flag=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  local before=''
  if [[ -n $flag && $current == *,* ]]; then before=${{current%,*}}, current=${{current##*,}}; fi
  case $flag in
    '') ;;
{0}    *) return ;;
  esac
  if [[ -z $flag ]]; then
    case $command in
{1}    esac
    case $command in help) words+=' {2}' ;; show | compare | export) [[ $current == -* ]] || return ;; esac
    if ((COMP_CWORD == 1)); then words+=' {2}'; fi
  elif [[ $flag == --workload && $command == serve ]]; then
    words='{3}'
  elif [[ $flag == --format && $command == export ]]; then
    words='{4}'
  fi
  local word
  while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -W "$words" -- "$current")
  if ((${{#COMPREPLY[@]}} == 1)) && [[ ${{COMPREPLY[0]}} == *= || -n $flag ]]; then compopt -o nospace; fi
}}
complete -o default -F _bench bench
)",
                     values_of, flags_of, fmt::join(names, " "), fmt::join(services, " "),
                     fmt::join(names_of(export_format_choices), " "));
}

std::string manual_page(const Tables& tables) {
  std::string page =
      ".TH BENCH 1\n"
      ".SH NAME\n"
      "bench \\- the same work under every concurrency model, measured\n"
      ".SH SYNOPSIS\n" +
      verbatim(help_text(tables, Command::help));
  for (const Command command : commands) {
    if (command == Command::list || command == Command::help || command == Command::version) continue;
    page += fmt::format(".SH BENCH {}\n", command_name(command)) + verbatim(help_text(tables, command));
  }
  return page;
}

}  // namespace bench
