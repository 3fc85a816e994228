// The result file: a superset of Google Benchmark's JSON, so that its compare.py reads it as it is.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "harness/options/options.h"
#include "harness/plan/machine.h"
#include "harness/plan/plan.h"
#include "harness/summary/sample.h"

namespace bench {

/// Everything that goes into a result file besides the samples.
struct ResultContext {
  const Options& options;
  const Machine& machine;
  const Plan& plan;
  std::string date;  ///< ISO 8601, of the start.
};

/// The document that results/schema.json describes. Holds no NaN, no infinity and no null.
nlohmann::ordered_json make_document(const ResultContext& context, const Results& results);

/// `document` as UTF-8 text; bytes that are none, which a command line may hold, become replacement characters.
std::string document_text(const nlohmann::ordered_json& document);

/// A place for a result file that can be written to again and again; each write replaces the whole file at once, so
/// that a reader, and whoever comes after a crash, finds the old document or the new one.
class ResultFile {
 public:
  /// Makes sure that `path` can be written, before anything is measured. An existing file is refused without `force`.
  /// Throws UsageError.
  ResultFile(std::string path, bool force);

  /// Writes, syncs and renames. Throws std::system_error.
  void write(const nlohmann::ordered_json& document) const;

  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  std::string folder_;
  std::string name_;
};

/// results/<UTC time>-<host>-<git revision>.json, in the folder BENCH_RESULTS where that is set; with -2, -3, … before
/// the suffix where that exists already. Makes the folder.
std::string default_result_path(const Machine& machine);

/// Now, as in 2026-01-31T12:00:00+00:00.
std::string iso_time();

}  // namespace bench
