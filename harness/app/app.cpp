#include "harness/app/app.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "harness/app/ab_command.h"
#include "harness/app/claims_command.h"
#include "harness/app/compare_command.h"
#include "harness/app/doctor_command.h"
#include "harness/app/export_command.h"
#include "harness/app/list.h"
#include "harness/app/load_command.h"
#include "harness/app/paper_command.h"
#include "harness/app/run_command.h"
#include "harness/app/serve_command.h"
#include "harness/app/show_command.h"
#include "harness/plan/plan.h"
#include "harness/report/build_info.h"
#include "harness/text/table.h"
#include "harness/text/terminal.h"

namespace bench {
namespace {

// Where whoever started the program has closed one, the next socket would become it, and get what is meant for people.
// Opened the wrong way round, so that a report that nobody gets is still an error.
void occupy_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd) {
      throw std::system_error(errno, std::generic_category(), "open /dev/null in the place of a closed descriptor");
    }
  }
}

// A reader that has seen enough, as head(1), is no failure.
void print_unless_closed(std::string_view text) {
  try {
    print(text);
  } catch (const std::system_error& error) {
    if (error.code() != std::errc::broken_pipe) throw;
  }
}

// Becomes the program that works on several machines, which lies beside this one. Returns only by an exception.
void become_program_over_mpi(const char* const* argv) {
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench-mpi";
  execv(path.c_str(), const_cast<char* const*>(argv));
  throw std::runtime_error(fmt::format(
      "--over=mpi: {}: {}; it is built where an MPI is found (Debian: libopenmpi-dev openmpi-bin), by scripts/bench",
      path.string(), std::strerror(errno)));
}

// As wide as the terminal; what other programs read as it is.
std::string help_for(const Tables& tables, const Options& options) {
  std::string text =
      options.help_part.empty() ? help_text(tables, options.help_topic) : help_text(tables, options.help_part);
  if (options.help_part == "man" || options.help_part == "completion") return text;
  return reflowed(text, terminal_width(STDOUT_FILENO));
}

Exit dispatch(const Tables& tables, int argc, const char* const* argv, JoinCrew join) {
  const Options options = parse_options(tables, argc, argv);
  if (options.over.mpi && !join) become_program_over_mpi(argv);
  switch (options.command) {
    case Command::run:
      if (options.over.hosts != 0) return plan_on_paper(tables, options);
      return run_and_report(
          options, [&](const Machine& machine) { return make_plan(options, machine); }, join);
    case Command::list: print_unless_closed(reflowed(list_text(tables), terminal_width(STDOUT_FILENO))); break;
    case Command::serve: return serve(options);
    case Command::load: return load(tables, options, join);
    case Command::compare: return compare_files(options);
    case Command::ab: return ab(options);
    case Command::doctor: return doctor(tables, options);
    case Command::claims: return claims(tables, options);
    case Command::export_result: return export_result(options);
    case Command::show: return show(tables, options);
    case Command::help: print_unless_closed(help_for(tables, options)); break;
    case Command::version:
      print_unless_closed(fmt::format("bench {} ({})\n", build_info.version, build_info.git_revision));
      break;
  }
  return Exit::done;
}

}  // namespace

int run_app(const Tables& tables, int argc, const char* const* argv, JoinCrew join) noexcept {
  try {
    occupy_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);  // each write says itself what it makes of a reader that has gone
    return static_cast<int>(dispatch(tables, argc, argv, join));
  } catch (const UsageError& error) {
    if (!join || !is_another_rank()) std::fprintf(stderr, "bench: %s\n", error.what());
    return static_cast<int>(Exit::usage);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", printable(error.what(), LineBreaks::keep).c_str());
    return static_cast<int>(Exit::failed);
  }
}

}  // namespace bench
