// A place in a JSON document, read with the type that is due there. Every error names the place.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// What is wrong with a result file; what() names the file, where it is known the place in it, and what is wrong.
class ResultError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What people call a file: "standard input" is that by the name "-".
std::string file_name(const std::string& path);

/// What a file holds, or standard input by the name "-". Throws ResultError, which names it.
std::string read_file(const std::string& path);

/// The document in `text`; `name` stands for its file. Throws ResultError.
nlohmann::json parse_json(std::string_view text, const std::string& name);

/// A value of a document and the way to it. Points into the document, which has to outlive it.
class JsonPlace {
 public:
  /// The whole of a document; `file` is its name, for errors.
  JsonPlace(const nlohmann::json& document, std::string_view file) : value_(&document), file_(file) {}

  /// What lies under `key` of an object. Throws ResultError where there is nothing.
  JsonPlace at(const std::string& key) const;

  /// The same; nothing where there is nothing.
  std::optional<JsonPlace> find(const std::string& key) const;

  /// The elements of an array. Throws ResultError for anything else.
  std::vector<JsonPlace> elements() const;

  // The value of that type. Each throws ResultError for any other; numbers are finite, counts whole and not negative.
  std::string text() const;
  double number() const;
  std::uint64_t count() const;
  bool truth() const;

  /// An object. Throws ResultError for anything else.
  const nlohmann::json& object() const;

  /// Throws a ResultError about this place.
  [[noreturn]] void refuse(std::string_view problem) const;

 private:
  JsonPlace(const nlohmann::json& value, std::string_view file, std::string path)
      : value_(&value), file_(file), path_(std::move(path)) {}

  const nlohmann::json* value_;
  std::string_view file_;
  std::string path_;  // a JSON pointer (RFC 6901)
};

}  // namespace bench
