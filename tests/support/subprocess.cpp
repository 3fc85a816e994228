#include "tests/support/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utmp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace bench {
namespace {

namespace fs = std::filesystem;

std::system_error failed(const std::string& what) { return {errno, std::generic_category(), what}; }

// State, parent and start of a process, from /proc/PID/stat, whose second field may hold blanks and parentheses.
struct Stat {
  bool alive = false;
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;
};

std::optional<Stat> stat_of(pid_t pid) {
  const std::string text = read_text(fmt::format("/proc/{}/stat", pid));
  const std::size_t end_of_name = text.rfind(')');
  if (end_of_name == std::string::npos) return std::nullopt;
  std::istringstream rest(text.substr(end_of_name + 1));
  const std::vector<std::string> fields{std::istream_iterator<std::string>(rest), {}};
  if (fields.size() < 20) return std::nullopt;
  return Stat{.alive = fields[0] != "Z" && fields[0] != "X",
              .parent = std::stoi(fields[1]),
              .start_ticks = std::stoull(fields[19])};  // the name is field 2
}

void append_available(UniqueFd& fd, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    fd.reset();  // a terminal without anyone on it reads as EIO
  }
}

struct Pipe {
  UniqueFd reading;
  UniqueFd writing;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw failed("pipe");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

struct Terminal {
  UniqueFd master;
  UniqueFd slave;
};

Terminal make_terminal(unsigned short columns) {
  const winsize size{.ws_row = 40, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  int master = -1;
  int slave = -1;
  if (openpty(&master, &slave, nullptr, nullptr, &size) != 0) throw failed("openpty");
  Terminal terminal{UniqueFd(master), UniqueFd(slave)};
  fcntl(master, F_SETFD, FD_CLOEXEC);
  fcntl(slave, F_SETFD, FD_CLOEXEC);
  return terminal;
}

}  // namespace

bool wait_for_event(const std::function<bool()>& event, std::chrono::nanoseconds bound) {
  const auto deadline = std::chrono::steady_clock::now() + bound;
  while (!event()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::vector<ProcessId> descendants_of(pid_t ancestor) {
  std::map<pid_t, Stat> all;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (const auto stat = stat_of(std::stoi(name))) all[std::stoi(name)] = *stat;
  }
  std::vector<ProcessId> found;
  std::vector<pid_t> parents{ancestor};
  while (!parents.empty()) {
    const pid_t parent = parents.back();
    parents.pop_back();
    for (const auto& [pid, stat] : all) {
      if (stat.parent != parent) continue;
      if (stat.alive) found.push_back({.pid = pid, .start_ticks = stat.start_ticks});
      parents.push_back(pid);
    }
  }
  return found;
}

bool is_alive(const ProcessId& process) {
  const auto stat = stat_of(process.pid);
  return stat && stat->alive && stat->start_ticks == process.start_ticks;
}

std::size_t threads_of(pid_t pid) {
  // The process may end at any moment, which throws where no error_code is asked for.
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator tasks(fmt::format("/proc/{}/task", pid), error);
       !error && tasks != fs::directory_iterator(); tasks.increment(error)) {
    ++count;
  }
  return count;
}

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "bench-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw failed("make a folder for a test");
  path_ = fs::canonical(pattern);
}

TempFolder::~TempFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::vector<std::string> TempFolder::entries() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

std::string read_text(const std::string& path) {
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();  // a process that ends meanwhile makes reading its /proc fail; that is no exception here
  return text.str();
}

Program::Program(std::vector<std::string> arguments, const ProgramOptions& options) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  Terminal terminal;
  if (options.stderr_is_terminal) terminal = make_terminal(options.columns);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  pid_ = fork();
  if (pid_ < 0) throw failed("fork");
  if (pid_ == 0) {
    // The tests run before in this process may have left these ignored or blocked.
    for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(signal_number, SIG_DFL);
    if (options.stderr_is_terminal) {
      login_tty(dup(terminal.slave.get()));
    } else {
      setsid();
      dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
      dup2(err.writing.get(), STDERR_FILENO);
    }
    if (!options.stdout_file.empty()) {
      dup2(open(options.stdout_file.c_str(), O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    } else if (!options.stdout_is_terminal) {
      dup2(out.writing.get(), STDOUT_FILENO);
    }
    unsetenv("NO_COLOR");
    unsetenv("BENCH_RESULTS");
    setenv("TERM", "xterm", 1);
    for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
    if (chdir(options.folder.c_str()) != 0) _exit(127);
    execv(argv[0], argv.data());
    _exit(127);
  }
  out_ = std::move(out.reading);
  err_ = std::move(err.reading);
  terminal_ = std::move(terminal.master);
  for (const UniqueFd* fd : {&out_, &err_, &terminal_}) {
    if (fd->valid()) fcntl(fd->get(), F_SETFL, O_NONBLOCK);
  }
}

Program::~Program() {
  if (ended_) return;
  const std::vector<ProcessId> tree = descendants_of(pid_);
  kill(pid_, SIGKILL);
  reap(true);
  for (const ProcessId& process : tree) {
    if (is_alive(process)) kill(process.pid, SIGKILL);
  }
}

void Program::send_signal(int signal_number) const {
  if (kill(pid_, signal_number) != 0) throw failed("kill");
}

void Program::type(const std::string& text) const {
  if (write(terminal_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw failed("write to the terminal");
  }
}

bool Program::reap(bool block) {
  if (ended_) return true;
  int status = 0;
  if (waitpid(pid_, &status, block ? 0 : WNOHANG) != pid_) return false;
  ended_ = true;
  if (WIFEXITED(status)) output_.exit_status = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) output_.signal = WTERMSIG(status);
  return true;
}

void Program::read_output(int timeout_ms) {
  std::array<pollfd, 3> watched{{{.fd = out_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = err_.get(), .events = POLLIN, .revents = 0},
                                 {.fd = terminal_.get(), .events = POLLIN, .revents = 0}}};
  poll(watched.data(), watched.size(), timeout_ms);
  if (watched[0].revents != 0) append_available(out_, output_.out);
  if (watched[1].revents != 0) append_available(err_, output_.err);
  if (watched[2].revents != 0) append_available(terminal_, output_.terminal);
}

bool Program::wait_until(const std::function<bool()>& event) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!event()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    if (reap(false)) {
      finish();
      return event();
    }
    read_output(1);
  }
  return true;
}

Finished Program::finish() {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!reap(false)) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("the program did not end; it wrote: " + output_.out + output_.err + output_.terminal);
    }
    read_output(5);
  }
  // What it wrote before its end is there to be read; a descriptor that someone else keeps open has no end.
  for (const UniqueFd* fd : {&out_, &err_, &terminal_}) {
    for (std::size_t before = 1, after = 0; fd->valid() && before != after;) {
      before = output_.out.size() + output_.err.size() + output_.terminal.size();
      read_output(0);
      after = output_.out.size() + output_.err.size() + output_.terminal.size();
    }
  }
  return output_;
}

Finished run_program(std::vector<std::string> arguments, const ProgramOptions& options) {
  return Program(std::move(arguments), options).finish();
}

}  // namespace bench
