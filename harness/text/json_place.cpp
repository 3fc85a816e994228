#include "harness/text/json_place.h"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>

namespace bench {
namespace {

using Json = nlohmann::json;

// A key as a JSON pointer has it.
std::string escaped(std::string_view key) {
  std::string text;
  for (const char c : key) {
    if (c == '~') {
      text += "~0";
    } else if (c == '/') {
      text += "~1";
    } else {
      text += c;
    }
  }
  return text;
}

std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a text";
    case Json::value_t::boolean: return "true or false";
    default: break;
  }
  return "a number";
}

}  // namespace

std::string file_name(const std::string& path) { return path == "-" ? "standard input" : path; }

std::string read_file(const std::string& path) {
  std::ifstream file(path == "-" ? "/dev/stdin" : path, std::ios::binary);
  if (!file) throw ResultError(fmt::format("{}: cannot be opened: {}", file_name(path), std::strerror(errno)));
  std::string text;
  try {
    text.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  } catch (const std::ios_base::failure&) {
    file.setstate(std::ios::badbit);
  }
  if (file.bad()) throw ResultError(fmt::format("{}: cannot be read: {}", file_name(path), std::strerror(errno)));
  return text;
}

nlohmann::json parse_json(std::string_view text, const std::string& name) {
  if (text.starts_with("\x1F\x8B"))
    throw ResultError(name + ": is compressed; hand in what `gzip -dc` makes of it, as -");
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    std::string_view why = error.what();
    if (const std::size_t end = why.find("] "); why.starts_with('[') && end != std::string_view::npos)
      why.remove_prefix(end + 2);
    throw ResultError(fmt::format("{}: is no JSON: {}", name, why));
  }
}

void JsonPlace::refuse(std::string_view problem) const {
  throw ResultError(fmt::format("{}: at {}: {}", file_, path_.empty() ? "the top" : path_, problem));
}

const Json& JsonPlace::object() const {
  if (!value_->is_object()) refuse(fmt::format("an object is due, there is {}", kind_of(*value_)));
  return *value_;
}

std::optional<JsonPlace> JsonPlace::find(const std::string& key) const {
  const auto found = object().find(key);
  if (found == value_->end()) return std::nullopt;
  return JsonPlace(*found, file_, path_ + '/' + escaped(key));
}

JsonPlace JsonPlace::at(const std::string& key) const {
  const std::optional<JsonPlace> found = find(key);
  if (!found) refuse(fmt::format("there is no '{}'", key));
  return *found;
}

std::vector<JsonPlace> JsonPlace::elements() const {
  if (!value_->is_array()) refuse(fmt::format("an array is due, there is {}", kind_of(*value_)));
  std::vector<JsonPlace> places;
  for (std::size_t index = 0; index < value_->size(); ++index) {
    places.push_back(JsonPlace((*value_)[index], file_, fmt::format("{}/{}", path_, index)));
  }
  return places;
}

std::string JsonPlace::text() const {
  if (!value_->is_string()) refuse(fmt::format("a text is due, there is {}", kind_of(*value_)));
  return value_->get<std::string>();
}

double JsonPlace::number() const {
  if (!value_->is_number()) refuse(fmt::format("a number is due, there is {}", kind_of(*value_)));
  const auto number = value_->get<double>();
  if (!std::isfinite(number)) refuse("a finite number is due");
  return number;
}

std::uint64_t JsonPlace::count() const {
  if (!value_->is_number_unsigned()) {
    refuse(fmt::format("a count is due, there is {}", value_->is_number() ? value_->dump() : kind_of(*value_)));
  }
  return value_->get<std::uint64_t>();
}

bool JsonPlace::truth() const {
  if (!value_->is_boolean()) refuse(fmt::format("true or false is due, there is {}", kind_of(*value_)));
  return value_->get<bool>();
}

}  // namespace bench
