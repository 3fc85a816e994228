#include "harness/options/run_help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/options/completion.h"
#include "harness/options/suites.h"
#include "harness/text/parameters.h"

namespace bench {
namespace {

// How the values of a flag are written.
std::string value_form(const Parameter& row) {
  switch (row.kind) {
    case ParameterKind::count: return "N";
    case ParameterKind::size: return "SIZE";
    case ParameterKind::duration: return "TIME";
    case ParameterKind::durations: return "TIME[:TIME]";
    case ParameterKind::rate: return "R";
    case ParameterKind::share: return "PERCENT";
    case ParameterKind::pair: return "N[:N]";
    case ParameterKind::choice: break;
  }
  return fmt::format("{}", fmt::join(choices_of(row), "|"));
}

// ", 1 to 10,000,000"; nothing where any value is allowed.
std::string bounds_text(const Parameter& row) {
  const bool any = row.kind == ParameterKind::durations && row.least == 0;
  if (row.kind == ParameterKind::choice || any) return {};
  if (row.most == Parameter{}.most) return fmt::format(", at least {}", bound_text(row, row.least));
  return fmt::format(", {} to {}", bound_text(row, row.least), bound_text(row, row.most));
}

// What a flag means to some workloads, and their defaults.
struct Meaning {
  std::string text;
  std::vector<std::string> defaults;
};

// A flag that is a parameter of workloads, with all that it may mean.
struct ParameterHelp {
  const Parameter* row = nullptr;
  std::vector<Meaning> meanings;
};

std::vector<ParameterHelp> help_of(const std::vector<WorkloadParameters>& workloads) {
  std::vector<ParameterHelp> flags;
  for (const WorkloadParameters& workload : workloads) {
    for (const Parameter& row : workload.parameters) {
      auto flag = std::ranges::find(flags, row.name, [](const ParameterHelp& known) { return known.row->name; });
      if (flag == flags.end()) flag = flags.insert(flags.end(), {.row = &row, .meanings = {}});
      const std::string text = fmt::format("{}{}", row.meaning, bounds_text(row));
      auto meaning = std::ranges::find(flag->meanings, text, &Meaning::text);
      if (meaning == flag->meanings.end()) {
        meaning = flag->meanings.insert(flag->meanings.end(), {.text = text, .defaults = {}});
      }
      meaning->defaults.push_back(fmt::format("{} {}", workload.name, row.standard));
    }
  }
  return flags;
}
std::string suite_lines() {
  std::string lines;
  for (const Suite& suite : all_suites()) {
    lines += fmt::format("  {:<19}{}\n", suite.name, suite.summary);
    for (const SuitePart part : suite.parts) {
      lines += fmt::format("  {:<19} ", "");
      for (const FlagDefault& value : part) {
        lines += fmt::format(" --{}{}{}", value.flag, value.value.empty() ? "" : "=", value.value);
      }
      lines += '\n';
    }
  }
  return lines;
}
std::string models_help(const Tables& tables) {
  return fmt::format(R"(Models (--model, 'all' takes every one; so it is by default):
{}  OUTER+INNER        hybrids: --workers copies of INNER, in processes (processes+epoll) or threads (threads+coroutines);
                nested too (processes+threads+coroutines); not among 'all'
{}
)",
                     model_lines(tables), reference_lines(tables));
}

std::string workloads_help(const Tables& tables) {
  return fmt::format(
      R"(Workloads (--workload; 'all' takes every job and every service, 'primitives' every primitive; by default, all jobs).
Jobs, batches of tasks:
{}
Services, protocols served to many connections:
{}
Primitives, one operation of each kind of unit (models that bring none of their own are left out):
{}

What workloads can be told, those whose defaults are named:
{}
)",
      workload_lines(tables.jobs), workload_lines(tables.services), workload_lines(tables.primitives),
      parameter_lines(every_workload(tables)));
}

std::string suites_help() {
  return fmt::format(R"(Suites (--suite), each a set of defaults for other options:
{}
)",
                     suite_lines());
}

constexpr std::string_view load_options = R"(CPUs, of jobs:
  --cpus=N            confine each run to the first N CPUs (default: all)

Units, of jobs, services and (--stack) primitives:
  --workers=N         units of a pool, or copies of a hybrid's inner model, 1 to 100,000 (default: the CPUs)
  --stack=SIZE        stack of each fiber, 16KiB to 1GiB (default 64KiB)

Load on a service:
  --connections=LIST  connections, 1 to 1,000,000 (default 100)
  --active=LIST       of them, those that send requests; the rest stay idle (default: all)
  --rate=LIST|search|common
                      requests per second offered, whether or not replies come (default: closed loop, in which each
                      connection sends when its reply has come); search: for each model the highest rate that keeps
                      --slo; common: one rate that every model can bear
  --slo='p99<10ms'    what a searched rate keeps: p50, p90, p99 or p99.9, and a TIME (default p99<10ms); a try
                      lasts up to 20s where the percentile needs that, which takes 1,000 requests for a p99
  --arrivals=constant|poisson
                      when the requests of a rate are due (default constant)
  --dispatch=each|any which connection carries a request of a rate: each in turn, and what is due while it is busy waits
                      for it, as users do; or any that is free (default each)
  --requests-per-connection=N
                      then the connection is closed and a new one made (default 0: no end)
  --pipeline=LIST     requests under way at once on each connection, 1 to 1024 (default 1)
  --service-cpu=LIST  TIME that a heavy request computes (default 0us)
  --service-wait=LIST TIME that a heavy request waits, as for a database (default 0us)
  --heavy=PERCENT     share of the connections whose requests are heavy (default 100%)

Measuring a service:
  --duration=TIME     measured window of a run (default: short, 100ms where that is enough for the rate)
  --warmup=TIME       before it; may be 0 (default: likewise, 50ms or more)
  --timeout=TIME      a request without a reply for so long has failed; so long does the end of a window wait for
                      replies at most (default 10s; of UDP 200ms)
  --memory            measure the memory of a connection too, in runs of their own (default: no)
  --server-cpus=SET   CPUs of the server, joined by colons, such as 0:1 (default: apart from the client's where there
                      are two)
  --client-cpus=SET   CPUs of the load generator (default: likewise)
  --client-threads=N  threads of the load generator, 1 to 256 (default 1)
  --no-halt           keep idle CPUs from halting, since waking one takes some 20 us (default: let them)
  --idle-timeout=TIME a server closes connections that are silent for so long (default 60s)
  --connect-deadline=TIME
                      by then all connections have to be established (default 5s)

Several machines, started by MPI (mpirun -n 3 --bind-to none --host A,B,C bench run --over=mpi …):
  --over=mpi          the first machine plans, runs the server and keeps the results; the others are load generators
  --server-rank=R     the rank that runs the server (default 0)
  --servers=N         so many ranks from there on do, each with rows of its own (default 1)
  --server-address=A  where servers are reached, an IPv4 address (default: that which every generator can reach)
  --hosts=N           with --dry-run, on paper: whether N machines like this one can bear such a load,
  --figures=RESULT    by the figures of a result file that was measured here
)";

constexpr std::string_view measuring_help = R"(Measuring:
  --suite=NAME          take a suite's defaults where an option is not given
  --repetitions=auto|N  rounds; auto goes on until every median's 95% interval is within ±2% (at least 8, at
                        most 200)
  --max-time=TIME       auto begins no round beyond the eighth after this long (default 60s)
  --time-limit=TIME     a run that takes longer has failed (default: 30s and five times what is expected;
                        of services 1m, three times that, --connect-deadline and twice a given --timeout)
  --wait-for-quiet=TIME begin when other processes use less than 10% of the CPUs, at the latest after this long
                        (default 0s: at once)
  --seed=N              of the random order within rounds (default: random; always recorded)
)";

constexpr std::string_view output_help = R"(Output:
  --out=FILE|-          result file (default: results/<UTC time>-<host>-<git revision>.json)
  --force               overwrite the result file
  --format=console|json|csv|markdown   what goes to standard output (default console)
  --details             beside the table of a sweep one for each of its points
  --columns=LIST|all    of the tables of models, by their names, such as rate/s,p99,over-ideal (default: as many as the
                        terminal has room for)
  --color=auto|always|never            emphasis in the table (default auto)
  --no-progress         no progress on standard error
  --quiet               no progress and no table: failures and the result file only
  --dry-run             print the plan and how long it may take, and run nothing
  --list, --help, --version            as the commands of these names
)";

constexpr std::string_view examples = R"(Examples:
  bench --model=threads --workload=io
  bench --model=all --workload=cpu,io --out=r.json
  bench --model=serial,coroutines --workload=sum --cpus=1
  bench --model=thread-pool --workload=io --tasks=100 --workers=2,10,50 --wait=10ms
  bench --model=all --workload=io --wait=10ms:20ms:30ms --repetitions=10 --format=markdown
  bench --model=threads,epoll --workload=echo --connections=100,10000 --active=10
  bench --model=all --workload=echo --rate=common --service-wait=1ms --heavy=1%
  bench --suite=c10k --memory
  bench --model=all --workload=spawn,switch
)";
}  // namespace

std::string model_lines(const Tables& tables) {
  std::string lines;
  for (const Model& model : tables.models) lines += fmt::format("  {:<19}{}\n", model.name, model.summary);
  return lines;
}

std::string reference_lines(const Tables& tables) {
  if (tables.references.empty()) return {};
  std::string lines =
      "\nReference runtimes, well-known libraries to compare with (--model by name; not among 'all'):\n";
  for (const Model& model : tables.references) lines += fmt::format("  {:<19}{}\n", model.name, model.summary);
  return lines;
}

std::string parameter_lines(const std::vector<WorkloadParameters>& workloads) {
  std::string lines;
  for (const auto& [row, meanings] : help_of(workloads)) {
    std::string head = fmt::format("  --{}={}", row->name, value_form(*row));
    if (head.size() >= 22) {
      lines += head + '\n';
      head.clear();
    }
    for (const Meaning& meaning : meanings) {
      lines += fmt::format("{:<22}{} (default: {})\n", head, meaning.text, fmt::join(meaning.defaults, ", "));
      head.clear();
    }
  }
  return lines;
}
std::string_view run_examples() { return examples; }

std::string run_help(const Tables& tables) {
  return fmt::format(R"(bench run: a plan, its table and its result. 'run' may be left out.

Usage:
  bench [run] --model=LIST --workload=LIST [OPTIONS]

A comma makes more cells (--tasks=10,100), a colon joins values inside one (--wait=10ms:20ms).
TIME has a unit: ns, us, ms, s, m, h. SIZE is in bytes or has one: KiB, MiB, KB, MB. N takes k and M.

{}
{}
{}
{}
{}
{}
{}
Exit status: 0 done, 1 something failed to run, 2 usage, 130 interrupted.
)",
                     models_help(tables), workloads_help(tables), suites_help(), load_options, measuring_help,
                     output_help, examples);
}
std::string help_text(const Tables& tables, std::string_view topic) {
  switch (static_cast<HelpPart>(std::ranges::find(help_parts, topic) - help_parts.begin())) {
    case HelpPart::models: return models_help(tables);
    case HelpPart::workloads: return workloads_help(tables);
    case HelpPart::suites: return suites_help();
    case HelpPart::load_options: return std::string(load_options);
    case HelpPart::measuring: return std::string(measuring_help);
    case HelpPart::completion: return bash_completion(tables);
    case HelpPart::man: return manual_page(tables);
    case HelpPart::output: break;
  }
  return std::string(output_help);
}

}  // namespace bench
