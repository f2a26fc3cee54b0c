#include "config/json_text.hpp"

#include <fmt/core.h>

#include <iterator>
#include <unordered_map>

#include <cohort/detail/text.hpp>

namespace cohort::detail {
namespace {

/// Hands the text to nlohmann's parser, which tells no positions, and notes how far it has read.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, const char** reached) : at_(at), reached_(reached) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    *reached_ = ++at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** reached_;
};

std::size_t skip_space_and_comments(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    if (std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) {
      ++at;
    } else if (text.substr(at, 2) == "//") {
      at = std::min(text.find('\n', at), text.size());
    } else if (text.substr(at, 2) == "/*") {
      std::size_t end = text.find("*/", at + 2);
      at = end == std::string_view::npos ? text.size() : end + 2;
    } else {
      break;
    }
  }
  return at;
}

/// Builds the tree from the parser's events.
class TreeBuilder : public nlohmann::json_sax<Json> {
 public:
  TreeBuilder(std::string_view text, ErrorList& errors) : text_(text), errors_(errors), reached_(text.data()) {
    if (text.substr(0, 3) == "\xEF\xBB\xBF") token_end_ = 3;
  }

  JsonNode build() {
    Json::sax_parse(CountingIterator(text_.data(), &reached_), CountingIterator(text_.data() + text_.size(), &reached_),
                    this, nlohmann::detail::input_format_t::json, true, true);
    return std::move(root_);
  }

  bool null() override { return scalar(nullptr); }
  bool boolean(bool value) override { return scalar(value); }
  bool number_integer(number_integer_t value) override { return number(value); }
  bool number_unsigned(number_unsigned_t value) override { return number(value); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    refuse_zero_byte(value);
    return scalar(std::move(value));
  }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return start(Json::value_t::object); }
  bool start_array(std::size_t) override { return start(Json::value_t::array); }

  bool key(string_t& key) override {
    refuse_zero_byte(key);
    open_.back()->members.push_back({std::move(key), next_token(), {}});
    token_end_ = read_so_far();
    return true;
  }

  bool end_object() override {
    std::unordered_map<std::string_view, std::size_t> first_places;
    for (const JsonMember& member : open_.back()->members) {
      auto [first, inserted] = first_places.try_emplace(member.key, member.offset);
      if (!inserted)
        errors_.add_repeated(member.offset, fmt::format("key '{}' is given twice", excerpt(member.key)), first->second);
    }
    return end();
  }
  bool end_array() override { return end(); }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    std::string message = error.what();
    if (std::size_t detail = message.find("syntax error "); detail != std::string::npos) {
      message.erase(0, detail);
      if (std::size_t dash = message.find(" - "); dash != std::string::npos) message.replace(dash, 3, ": ");
    } else {
      message.erase(0, message.find(' ') + 1);  // "[json.exception.out_of_range.406] number overflow ..."
    }
    message = excerpt(message, 300);

    std::size_t at = skip_space_and_comments(text_, token_end_);
    const bool nothing_read =
        token_end_ <= 3 && open_.empty() && root_.type == Json::value_t::null && at < text_.size();
    if (nothing_read && std::string_view("{[\"").find(text_[at]) == std::string_view::npos)
      message = fmt::format("this is no JSON: it begins with '{}'", excerpt(text_.substr(at), 20));
    bool comma_before = false;
    while (at < text_.size() && (text_[at] == ',' || text_[at] == ':') && at + 1 < position) {
      comma_before = text_[at] == ',';
      at = skip_space_and_comments(text_, at + 1);
    }
    bool at_end_bracket = at < text_.size() && (text_[at] == '}' || text_[at] == ']');
    if (comma_before && at_end_bracket) message += "; a comma after the last entry is not allowed";
    bool inside_string = at < text_.size() && text_[at] == '"' && message.find("invalid string") != std::string::npos;
    return fail(inside_string ? std::max(at, position - 1) : at, message);
  }

 private:
  std::size_t read_so_far() const { return static_cast<std::size_t>(reached_ - text_.data()); }

  /// Where the token that the parser has just reported starts: only separators lie between it and the one before.
  std::size_t next_token() const {
    std::size_t at = skip_space_and_comments(text_, token_end_);
    while (at < text_.size() && (text_[at] == ',' || text_[at] == ':')) at = skip_space_and_comments(text_, at + 1);
    return at;
  }

  // What is handed to the system would end there.
  void refuse_zero_byte(const std::string& text) {
    if (text.find('\0') != text.npos) errors_.add(next_token(), "a zero byte (\\u0000) in a text");
  }

  JsonNode& place() {
    if (open_.empty()) return root_;
    JsonNode& parent = *open_.back();
    return parent.is_array() ? parent.items.emplace_back() : parent.members.back().value;
  }

  template <class Value>
  bool scalar(Value&& value) {
    JsonNode& node = place();
    node.offset = next_token();
    node.scalar = std::forward<Value>(value);
    node.type = node.scalar.type();
    token_end_ = read_so_far();
    return true;
  }

  // The parser must read one character past a number to find its end.
  template <class Value>
  bool number(Value value) {
    std::size_t start = next_token();
    scalar(value);
    token_end_ = std::min(text_.find_first_not_of("+-.0123456789eE", start), text_.size());
    return true;
  }

  bool start(Json::value_t type) {
    if (open_.size() == max_json_depth)
      return fail(next_token(), fmt::format("more than {} objects and lists in each other", max_json_depth));
    JsonNode& node = place();
    node.offset = next_token();
    node.type = type;
    open_.push_back(&node);
    token_end_ = read_so_far();
    return true;
  }

  bool end() {
    open_.pop_back();
    token_end_ = read_so_far();
    return true;
  }

  bool fail(std::size_t offset, std::string message) {
    errors_.add(offset, std::move(message));
    errors_.throw_if_any();
    return false;
  }

  std::string_view text_;
  ErrorList& errors_;
  const char* reached_;
  std::size_t token_end_ = 0;
  JsonNode root_;
  // An open node is the last child of its parent, so no vector that holds one grows while it is open.
  std::vector<JsonNode*> open_;
};

}  // namespace

const JsonNode* JsonNode::find(std::string_view key) const {
  for (const JsonMember& member : members)
    if (member.key == key) return &member.value;
  return nullptr;
}

std::string JsonNode::description() const {
  if (is_object()) return "an object";
  if (is_array()) return "a list";
  constexpr std::size_t longest = 60;
  return is_string() ? '"' + excerpt(scalar.get_ref<const std::string&>(), longest) + '"'
                     : scalar.dump(-1, ' ', false, Json::error_handler_t::replace);
}

JsonNode parse_json(std::string_view text, ErrorList& errors) {
  if (text.size() > max_json_bytes) {
    errors.add(max_json_bytes, fmt::format("more than {} MiB of text", max_json_bytes >> 20));
    errors.throw_if_any();
  }
  return TreeBuilder(text, errors).build();
}

}  // namespace cohort::detail
