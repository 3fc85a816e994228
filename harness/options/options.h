// The command line as a value.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "harness/options/service_options.h"
#include "harness/text/terminal.h"
#include "models/model.h"
#include "primitives/primitive.h"
#include "workloads/job.h"
#include "workloads/service.h"

namespace bench {

/// What there is to choose from. Tests hand in tables with rows of their own.
struct Tables {
  RowList<Model> models;
  RowList<Job> jobs;
  RowList<Service> services;
  RowList<Primitive> primitives{};
  RowList<Model> references{};  ///< Chosen by their names; `all` does not mean them.
};

/// A command line that cannot be carried out; what() is one line that names the flag, the value and what is allowed.
/// Whatever the command line holds, a terminal obeys none of it.
class UsageError : public std::runtime_error {
 public:
  explicit UsageError(std::string_view text) : std::runtime_error(printable(text, LineBreaks::escape)) {}
};

enum class Command : std::uint8_t {
  run,
  list,
  serve,
  load,
  compare,
  ab,
  doctor,
  claims,
  export_result,
  show,
  help,
  version
};

/// "run", "serve", …
std::string_view command_name(Command command);

enum class Format : std::uint8_t { console, json, csv, markdown };
enum class Color : std::uint8_t { automatic, always, never };

/// A result file, and what it is called in tables.
struct NamedFile {
  std::string label;
  std::string path;
};

/// What makes a change, and what follows from it.
struct VerdictOptions {
  double threshold = 0.05;           ///< A change up to this share is none.
  std::vector<std::string> metrics;  ///< By name; empty: of each cell what its table is ranked by.
  bool fail_on_undecided = false;
};

/// Of `compare`.
struct CompareOptions {
  std::vector<NamedFile> files;  ///< Two or more; the others are held against the first.
  VerdictOptions verdict;
  std::string reference;  ///< The model that others are held against on different machines; empty: by kind.
};

/// Formats of other tools.
enum class ExportFormat : std::uint8_t { github_action, csv, markdown, junit };

/// Of `export`.
struct ExportOptions {
  std::string path;
  ExportFormat format = ExportFormat::markdown;
};

/// Of `ab`.
struct AbOptions {
  std::string baseline;      ///< The other build's program; empty where `baseline_rev` is given.
  std::string baseline_rev;  ///< A revision to be built; empty where `baseline` is given.
  VerdictOptions verdict;
  std::uint32_t builds = 1;            ///< Of each side, linked in another order each.
  std::uint32_t pairs = 0;             ///< 0: until the intervals are narrow enough.
  std::vector<std::string> arguments;  ///< What both builds are told of the plan: "--model=threads".
};

/// Of `run` and `load` on several machines.
struct OverOptions {
  bool mpi = false;               ///< This process is one of those that MPI has started together.
  std::uint32_t server_rank = 0;  ///< The first that runs servers;
  std::uint32_t servers = 1;      ///< so many do, each with rows of its own. The others are load generators.
  std::string server_address{};   ///< Where servers are reached, numeric; empty: where that is found to be possible.

  std::uint32_t hosts = 0;  ///< With dry_run: so many machines like this one are planned for on paper; 0: none.
  std::string figures{};    ///< The result file whose figures that rests on.
};

/// Of `claims`.
struct ClaimOptions {
  std::vector<std::string> ids;     ///< Of claims; with none of both, all are looked into.
  std::vector<std::string> topics;  ///< By the letters of their tables.
  bool quick = false;               ///< Fewer rounds, and without what takes long.
  bool strict = false;              ///< A refuted claim has an exit status of its own.
};

/// Parsed and checked options. Empty lists mean the workload's or the machine's default.
struct Options {
  Command command = Command::run;
  Command help_topic =
      Command::help;      ///< With Command::help: the command to be explained, or `help` itself: all, shortly;
  std::string help_part;  ///< or one of help_parts in its place.

  // Of `run`.
  std::vector<const Model*> models;
  std::vector<const Job*> jobs;              ///< The chosen jobs.
  std::vector<const Service*> services;      ///< The chosen services.
  std::vector<const Primitive*> primitives;  ///< The chosen primitives.
  bool all_models = false;  ///< The models were not chosen one by one: who has no row of a primitive is left out of it.
  GivenParameters parameters;  ///< Every chosen workload that has one of them allows its values.
  std::vector<std::uint32_t> workers;
  std::vector<std::uint64_t> stack_bytes;
  std::vector<std::uint32_t> cpus;
  ServiceOptions service;  ///< Where services are chosen.

  std::vector<Options> further_parts;  ///< Of a suite: what else is planned; only the fields above count.

  std::optional<ServeOptions> serve;         ///< With Command::serve.
  std::optional<LoadOptions> load;           ///< With Command::load.
  CompareOptions compare;                    ///< With Command::compare.
  ExportOptions exported;                    ///< With Command::export_result.
  std::string shown_path;                    ///< With Command::show; "-" is standard input.
  std::vector<std::string> shown_workloads;  ///< Of its workloads; empty: all.
  ClaimOptions claims;                       ///< With Command::claims.
  OverOptions over;                          ///< With Command::run and Command::load.
  AbOptions ab;                              ///< With Command::ab, besides what `run` takes.

  std::optional<std::uint32_t>
      repetitions;  ///< Rounds; without it, until the intervals are narrow enough. `load`: set.
  std::int64_t max_time_ns = 60'000'000'000;
  std::optional<std::int64_t> time_limit_ns;  ///< Of one run.
  std::int64_t wait_for_quiet_ns = 0;         ///< So long a plan waits at most until other processes use little.
  std::optional<std::uint64_t> seed;
  double injected_slowdown = 0;  ///< By so much every figure is made worse, so that comparisons can be tested.

  std::string out;  ///< Result file; "-" is standard output, empty the default path.
  bool force = false;
  Format format = Format::console;
  Color color = Color::automatic;
  std::vector<std::string> columns{};  ///< Of tables, as --columns has them; empty: not given.
  bool details = false;                ///< Tables of all groups.
  bool quiet = false;
  bool progress = true;
  bool dry_run = false;

  std::vector<std::string> command_line;  ///< As it was given, for the record.
};

/// Largest --workers.
inline constexpr std::uint32_t max_workers = 100'000;

/// Bounds of --stack: what any session or script needs, and more than any could.
inline constexpr std::uint64_t min_stack_bytes = std::uint64_t{16} * 1024;
inline constexpr std::uint64_t max_stack_bytes = std::uint64_t{1} << 30;

/// Parses argv. Throws UsageError.
Options parse_options(const Tables& tables, int argc, const char* const* argv);

/// The help text of a command, with the choices of `tables`; that of Command::help is the first that people see.
std::string help_text(const Tables& tables, Command topic);

/// Parts of the help text of `run`, which can be had alone; and what is no text for people: a script for bash(1) and a
/// page for man(1).
enum class HelpPart : std::uint8_t { models, workloads, suites, load_options, measuring, output, completion, man };
inline constexpr std::array<std::string_view, 8> help_parts{"models",    "workloads", "suites",     "load-options",
                                                            "measuring", "output",    "completion", "man"};
std::string help_text(const Tables& tables, std::string_view part);

}  // namespace bench
