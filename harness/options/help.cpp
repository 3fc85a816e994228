// The help texts. Every flag of the table in flags.cpp is explained in the text of each command that takes it, those of
// workloads by their rows; a test holds one against the other.
#include <fmt/format.h>

#include "harness/options/options.h"
#include "harness/options/run_help.h"
#include "harness/options/workload_parameters.h"

namespace bench {
namespace {

// How a URL names a server of each service.
std::string url_lines(RowList<Service> services) {
  std::string lines;
  for (const Service& row : services) {
    const UrlScheme& scheme = row.scheme;
    if (scheme.name.empty()) continue;
    const std::string form = fmt::format("{}://HOST{}{}", scheme.name, scheme.port.empty() ? ":PORT" : "[:PORT]",
                                         scheme.exchanges ? "[/PATH]" : "");
    lines += fmt::format("  {:<27} {:<10} {}\n", form, row.name, row.summary);
  }
  return lines;
}
// What somebody sees who asks for nothing.
std::string first_help() {
  return fmt::format(R"(bench: the same work under every concurrency model, measured.

  bench --model=threads,epoll --workload=echo   run, print the table, write the result
  bench list                                    models and workloads, and what cannot run here
  bench load URL | serve --model=MODEL …        one half alone: load any server, or serve to any client
  bench show RESULT                             a result again, as a table, CSV or Markdown
  bench compare A.json B.json                   what has become slower, faster, or stayed the same
  bench ab --baseline=PROGRAM …                 the same of two builds, which run in turns
  bench claims                                  what teaching notes claim, tried on this machine
  bench doctor                                  what on this machine spoils measurements, and what mends it
  bench export RESULT --format=FORMAT           a result for GitHub, spreadsheets and CI

A comma makes more cells (--tasks=10,100), a colon joins values inside one (--wait=10ms:20ms).
TIME has a unit: ns, us, ms, s, m, h. SIZE is in bytes or has one: KiB, MiB, KB, MB. N takes k and M.

{}
More: bench help models, workloads, suites, load-options, measuring, output; of a command, bench help run, load, serve,
compare, ab, doctor, claims, export or show. For bash: source <(bench help completion); for man: bench help man.
)",
                     run_examples());
}
constexpr std::string_view show_help = R"(bench show: an old result again, in any format.

Usage:
  bench show RESULT.json|- [OPTIONS]

  --workload=LIST     of its workloads (default: all)
  --format=console|json|csv|markdown   what goes to standard output (default console)
  --details           beside the table of a sweep one for each of its points
  --columns=LIST|all  of the tables of models, by their names, such as rate/s,p99 (default: as many as the terminal has
                      room for)
  --color=auto|always|never            emphasis (default auto)
  --help              this text

Examples:
  bench show r.json
  bench show r.json --details --columns=all
  bench show r.json --format=csv

Exit status: 0 done, 1 the file could not be read, 2 usage.
)";

std::string serve_help(const Tables& tables) {
  return fmt::format(R"(bench serve: one service under one model, for any client, until it is interrupted.

Usage:
  bench serve --model=MODEL --workload=SERVICE [OPTIONS]

Models (--model, exactly one; or a hybrid, such as processes+epoll):
{}{}
Services (--workload, exactly one):
{}
Service:
{}  --service-cpu=TIME  that a heavy request computes (default 0us)
  --service-wait=TIME that a heavy request waits, as for a database (default 0us)
A client marks a request as heavy: http by the query ?heavy, echo and udp-echo by a payload that begins with an h,
remote by an argument that does, transfer by "heavy":true in its head, tftp by a file's name that ends in -h, chat by
HEAVY where it would be SAY.
To what is no request http answers by its status, echo by the length 0xFFFFFFFF and transfer by a head with the reason,
and all close; tftp answers by an error packet, chat and remote by a line with the reason; udp-echo is silent.

Server:
  --bind=ADDRESS      numeric IPv4 or IPv6 address to listen on (default 127.0.0.1: this machine only)
  --port=N            0 to 65535; 0 takes one that is free, and says which (default 8080)
  --workers=N         units of a pool, or copies of a hybrid's inner model, 1 to 100,000 (default: the CPUs)
  --stack=SIZE        stack of each fiber, 16KiB to 1GiB (default 64KiB)
  --server-cpus=SET   CPUs of the server, joined by colons, such as 0:1 (default: all)
  --idle-timeout=TIME connections that are silent for so long are closed (default 60s)
  --help              this text

TIME has a unit: ns, us, ms, s, m, h. SIZE is in bytes or has one: KiB, MiB, KB, MB.

Examples:
  bench serve --model=epoll --workload=echo
  bench serve --model=thread-pool --workload=echo --workers=16 --port=0
  bench serve --model=threads --workload=echo --bind=:: --server-cpus=0 --service-wait=1ms

Exit status: 0 stopped by SIGINT or SIGTERM, 1 it failed, 2 usage.
)",
                     model_lines(tables), reference_lines(tables), workload_lines(tables.services),
                     parameter_lines(services_of(tables)));
}

constexpr std::string_view compare_help =
    R"(bench compare: result files held against the first of them, without being fooled by noise.

Usage:
  bench compare [LABEL=]A.json [LABEL=]B.json [[LABEL=]C.json …] [OPTIONS]

Of one machine, each cell is slower, faster, the same, undecided, or not comparable, with the reason. Of different
machines, or builds by other compilers or flags, absolute figures are not held against each other: what compares is how
far each model is from a reference model on the same machine.

Verdicts:
  --threshold=PERCENT a change up to this is none, 0% to below 100% (default 5%)
  --metric=LIST       time, cpu, rate, knee, p50, p99, p99.9 (default: what a table is ranked by: time of a job or an
                      operation, CPU per request at a given rate, rate of a closed loop, knee of a search)
  --fail-on=slower|undecided
                      what else than slower ends with a status of its own (default slower: nothing)
  --reference=MODEL   on different machines (default: serial for jobs, threads for services)

Output:
  --format=console|json|csv|markdown   what goes to standard output (default console)
  --color=auto|always|never            emphasis in the table (default auto)
  --help              this text

Examples:
  bench compare old.json new.json
  bench compare old=a.json new=b.json --threshold=3% --metric=cpu,p99
  bench compare laptop=a.json server=b.json --reference=epoll

Exit status: 0 nothing is slower, 1 a file could not be read or lacks what the first has, 2 usage, 3 something is slower,
4 something is undecided (with --fail-on=undecided, or for want of runs), 5 not comparable: different machines, or a cell
that was told something else.
)";

constexpr std::string_view ab_help =
    R"(bench ab: this build against another one, in turns, without being fooled by noise.

Usage:
  bench ab --baseline=PROGRAM [OPTIONS OF A RUN]
  bench ab --baseline-rev=REVISION [OPTIONS OF A RUN]

Both builds carry out the same plan in turns, a round each in processes of their own, in random order within each pair.
First this build runs against itself, which says what this machine can decide today. What seems slower has to be so again
in a second series before the exit status says it.

The other build:
  --baseline=PROGRAM  its program
  --baseline-rev=REVISION
                      a revision of the git repository here, which is built first, in a work tree of its own
  --builds=N          link each side N times, 1 to 20, its object files in another order each time, and take the build as
                      a level of its own: the layout of code alone can move a figure (default 1: as they are; otherwise
                      both have to lie in their build folders)
The plan, as `bench --help` has it; not --rate=common, for each build would find a rate of its own:
  --model, --workload, --suite, and whatever a run takes

How long:
  --pairs=N           pairs of rounds, 6 to 10,000 (default: until every interval is narrower than half the threshold,
                      at most 200, and as many as it takes to say slower of so many cells: 11 for 40)
  --max-time=TIME     beyond these no further pair begins after this long (default 5m); a second series, where there is
                      one, comes on top

Verdicts:
  --threshold=PERCENT a change up to this is none, 0% to below 100% (default 5%)
  --metric=LIST       time, cpu, rate, knee, p50, p99, p99.9 (default: what a table is ranked by)
  --fail-on=slower|undecided
                      what else than slower ends with a status of its own (default slower: nothing)
  --seed=N            of the random order (default: random)

Output:
  --format=console|json|csv|markdown   what goes to standard output (default console)
  --color=auto|always|never            emphasis in the table (default auto)
  --no-progress       no progress on standard error
  --quiet             no progress
  --help              this text

Examples:
  bench ab --baseline=../old/build/release/bench --model=epoll,threads --workload=echo --rate=20k
  bench ab --baseline-rev=origin/main --model=all --workload=cpu,io --tasks=20 --format=markdown

Exit status: 0 nothing is slower, 1 a build or a cell of the candidate failed, or there is nothing to compare, 2 usage,
3 something is slower, 4 something is undecided (with --fail-on=undecided, or for want of pairs), 5 a cell is not
comparable, 130 interrupted.
)";

constexpr std::string_view export_help = R"(bench export: a result in a format of other tools, on standard output.

Usage:
  bench export RESULT.json --format=FORMAT

  --format=github-action|csv|markdown|junit
                      github-action: an array for github-action-benchmark's customSmallerIsBetter (its googlecpp reads
                      result files as they are); csv: a line for each cell; markdown: tables for a job's summary or a
                      comment; junit: a suite for each table, in which cells that failed or may not be believed fail
  --help              this text

Examples:
  bench export r.json --format=markdown
  bench export r.json --format=github-action
  bench export r.json --format=junit

Exit status: 0 done, 1 the file could not be read, 2 usage.
)";

constexpr std::string_view doctor_help =
    R"(bench doctor: what on this machine spoils measurements, how steady it is, and the command that mends it.

Usage:
  bench doctor [OPTIONS]

Limits, CPU quota, frequency, turbo, SMT, hypervisor, steal time, load, clock, swap, io_uring, perf events, the layout of
address spaces; and from some ten seconds of the same work again and again, of cpu, io and echo, the interval of its
median, its drift and its autocorrelation. Changes nothing.

Output:
  --format=console|json   what goes to standard output (default console)
  --color=auto|always|never   emphasis (default auto)
  --no-progress, --quiet  no progress on standard error
  --help              this text

Examples:
  bench doctor
  bench doctor --format=json --quiet
  bench doctor --color=never

Exit status: 0 whatever was found, 1 it could not look, 2 usage, 130 interrupted.
)";

constexpr std::string_view claims_help =
    R"(bench claims: what teaching notes on network and concurrent programming claim, each tried on this machine.

Usage:
  bench claims [OPTIONS]

Each claim is decided by figures of runs, whose cells take turns round by round, or by a fact that is found out:
confirmed, confirmed here under a condition, refuted (the 95% interval excludes it), inconclusive (it spans the bound), or
not run.

Which:
  --claim=LIST        by their names (default: all)
  --group=LIST        by the letters of their tables: A to D
  --quick             fewer rounds, and without what takes long: within three minutes in the place of ten
  --strict            exit status 3 where one is refuted

Output:
  --out=FILE|-        result file, of the verdicts and of the runs that they rest on (default: as of bench run)
  --force             overwrite that file
  --format=console|json|markdown   what goes to standard output (default console)
  --color=auto|always|never        emphasis (default auto)
  --no-progress, --quiet  no progress on standard error
  --help              this text

Examples:
  bench claims --quick
  bench claims --group=C --strict
  bench claims --claim=switch-thread-cheaper-than-process

Exit status: 0 whatever was found, 1 it failed, 2 usage, 3 a claim is refuted (with --strict), 130 interrupted.
)";

std::string load_help(const Tables& tables) {
  return fmt::format(R"(bench load: load any server and measure it from outside.

Usage:
  bench load URL [OPTIONS]

A comma makes more rows (--rate=1k,2k).
URL says where the server is and, by its scheme, what it speaks:
{}
Load:
  --connections=LIST  1 to 1,000,000 (default 100)
  --active=N          of them, those that send requests; the rest stay idle (default: all)
  --rate=LIST|search  requests per second offered, whether or not replies come; takes k and M (default: closed loop, in
                      which each connection sends when its reply has come); search: the highest rate that keeps --slo
  --slo='p99<10ms'    what a searched rate keeps: p50, p90, p99 or p99.9, and a TIME (default p99<10ms); a try
                      lasts up to 20s where the percentile needs that, which takes 1,000 requests for a p99
  --arrivals=constant|poisson
                      when the requests of a rate are due (default constant)
  --dispatch=each|any which connection carries a request of a rate: each in turn, and what is due while it is busy waits
                      for it, as users do; or any that is free (default each)
  --requests-per-connection=N
                      then the connection is closed and a new one made (default 0: no end)
  --pipeline=N        requests under way at once on each connection, 1 to 1024 (default 1)

What the service that the URL names can be told:
{}
Requests, where the protocol has such:
  -H, --header='Name: value'
                      one more header; may be given again
  --method=NAME       (default GET, with a body POST)
  --body=TEXT|@FILE   what each request carries

The way to the server:
  --unix=PATH         the socket where it listens, whatever host the URL names
  --insecure          over TLS: whoever answers is the server, whatever certificate it has
  --source=auto|one|spread
                      where it listens on 127.0.0.1: addresses that the load comes from, which have 28,000 ports each;
                      auto: one more for each 10,000 connections; spread: others than the last load's, too (default auto)

Expected replies:
  --expect-status=N   status of every reply, 100 to 599, where the protocol has one (default 200)
  --check=status|length|body
                      what of a reply is looked at; each includes the ones before (default body)
  --timeout=TIME      a request without a reply for so long has failed (default 10s; of UDP 200ms)

Measuring:
  --duration=TIME     measured window (default 2s)
  --warmup=TIME       before it; may be 0 (default 500ms)
  --connect-deadline=TIME
                      by then all connections have to be established (default 5s)
  --client-threads=N  threads of the load generator, 1 to 256 (default 1)
  --client-cpus=SET   its CPUs, joined by colons, such as 0:1 (default: all)
  --server-pid=PID    the server's process on this machine, to read its CPU time (default: not read)
  --over=mpi          from all machines that MPI started together: mpirun -n 2 --host B,C bench load URL --over=mpi
  --repetitions=N     windows, 1 to 10,000 (default 1)
  --wait-for-quiet=TIME
                      begin when other processes use less than 10% of the CPUs, at the latest after this long
                      (default 0s: at once)
  --seed=N            of random arrivals (default: random; always recorded)

Output:
  --out=FILE|-        result file (default: results/<UTC time>-<host>-<git revision>.json)
  --force             overwrite the result file
  --format=console|json|csv|markdown   what goes to standard output (default console)
  --details           beside the table of several loads one for each of them
  --columns=LIST|all  of these, by their names, such as rate/s,p99 (default: as many as the terminal has room for)
  --color=auto|always|never            emphasis in the table (default auto)
  --no-progress       no progress on standard error
  --quiet             no progress and no table: failures and the result file only
  --help              this text

TIME has a unit: ns, us, ms, s, m, h. SIZE is in bytes or has one: KiB, MiB, KB, MB.

Examples:
  bench load http://127.0.0.1:8080/
  bench load http://127.0.0.1:8080/ --rate=5k --arrivals=poisson --duration=10s
  bench load http://127.0.0.1:8080/ --rate=search --connections=10,100,1000
  bench load https://localhost:8443/ --insecure
  bench load http://app/ --unix=/run/app.sock
  bench load http://[::1]:8080/index.html --connections=1000 --active=10 --check=status
  bench load http://127.0.0.1:8080/ --requests-per-connection=1 --server-pid=4711 --out=r.json

Exit status: 0 done, 1 it failed or nothing right was answered, 2 usage, 130 interrupted.
)",
                     url_lines(tables.services), parameter_lines(services_of(tables)));
}
}  // namespace

std::string help_text(const Tables& tables, Command topic) {
  switch (topic) {
    case Command::serve: return serve_help(tables);
    case Command::load: return load_help(tables);
    case Command::compare: return std::string(compare_help);
    case Command::ab: return std::string(ab_help);
    case Command::doctor: return std::string(doctor_help);
    case Command::claims: return std::string(claims_help);
    case Command::export_result: return std::string(export_help);
    case Command::show: return std::string(show_help);
    case Command::run: return run_help(tables);
    case Command::list:
    case Command::help:
    case Command::version: break;
  }
  return first_help();
}

}  // namespace bench
