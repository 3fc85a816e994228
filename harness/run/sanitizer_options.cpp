// What the thread sanitizer is told by default; built only with it. TSAN_OPTIONS in the environment adds to this.

// NOLINTBEGIN(bugprone-reserved-identifier): the sanitizer's names for them
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_suppressions();

// die_after_fork: every run is a forked process, and many start threads. The fork itself has one thread.
// halt_on_error: a report ends the process that made it with a status of its own, and so fails the run.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0:halt_on_error=1"; }

// OpenSSL 3.5, as Debian 13 has it, reads its tables of algorithms without a lock, by atomics that a library without
// the sanitizer does not show it.
extern "C" const char* __tsan_default_suppressions() { return "race:ossl_ht_\n"; }
// NOLINTEND(bugprone-reserved-identifier)
