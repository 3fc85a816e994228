// The file in which results are kept, from before the first run on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/plan/machine.h"

namespace bench {

/// `document` as UTF-8 text; bytes that are none, which a command line may hold, become replacement characters.
std::string document_text(const nlohmann::ordered_json& document);

/// What to do where there is a file of that name already.
enum class Taken {
  refuse,
  replace,
  number,  ///< Take the next name: -2, -3, … before the suffix.
};

/// A place for a result file that can be written to again and again; each write replaces the whole file at once, so
/// that a reader, and whoever comes after a crash, finds the old document or the new one.
class ResultFile {
 public:
  /// Makes sure that `path` can be written, before anything is measured; /dev/null is, and keeps nothing. Throws
  /// UsageError.
  ResultFile(std::string path, Taken taken);

  /// Writes, syncs and renames. The first time it also claims the name, which of two programs that want it at the same
  /// moment one gets alone; the other one goes by `taken`. Throws std::system_error; the first time UsageError, too.
  void write(const nlohmann::ordered_json& document);

  /// The number in it is known after the first write.
  const std::string& path() const noexcept { return path_; }

 private:
  void look_at(const std::string& path);
  void claim(const std::string& whole);

  std::string path_;
  Taken taken_;
  bool claimed_ = false;
  std::string folder_;
  std::string name_;  // empty for /dev/null
};

/// results/<UTC time>-<host>-<git revision>.json, in the folder BENCH_RESULTS where that is set. Makes the folder.
/// Throws UsageError.
std::string default_result_path(const Machine& machine);

}  // namespace bench
