// What the thread sanitizer is told by default; built only with it. TSAN_OPTIONS in the environment adds to this.

extern "C" const char* __tsan_default_options();  // NOLINT(bugprone-reserved-identifier): the sanitizer's name for it

// die_after_fork: every run is a forked process, and many start threads. The fork itself has one thread.
// halt_on_error: a report ends the process that made it with a status of its own, and so fails the run.
extern "C" const char* __tsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "die_after_fork=0:halt_on_error=1";
}
