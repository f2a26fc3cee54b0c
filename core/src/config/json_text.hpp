#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/error_list.hpp"

namespace cohort::detail {

using Json = nlohmann::ordered_json;

inline constexpr std::size_t max_json_bytes = 16 << 20;
inline constexpr std::size_t max_json_depth = 100;

struct JsonMember;

/// A JSON value with its position in the text.
struct JsonNode {
  std::size_t offset = 0;
  Json::value_t type = Json::value_t::null;
  Json scalar;                      ///< the value itself, unless this is an object or a list
  std::vector<JsonNode> items;      ///< of a list
  std::vector<JsonMember> members;  ///< of an object, in the order of the text

  bool is_object() const { return type == Json::value_t::object; }
  bool is_array() const { return type == Json::value_t::array; }
  bool is_string() const { return type == Json::value_t::string; }
  /// The value of an object's key, or null.
  const JsonNode* find(std::string_view key) const;
  /// For "found ..." in messages: "\"yes\"", "3", "an object".
  std::string description() const;
};

struct JsonMember {
  std::string key;
  std::size_t offset = 0;  ///< of the key
  JsonNode value;
};

/// Parses JSON with // and /* */ comments. A key that is given twice goes to `errors`.
/// @throws ConfigError with everything in `errors` if the text is not JSON, too long or nested too deep.
JsonNode parse_json(std::string_view text, ErrorList& errors);

}  // namespace cohort::detail
