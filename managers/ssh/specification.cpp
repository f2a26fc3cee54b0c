#include "specification.hpp"

#include <algorithm>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort_ssh {
namespace {
constexpr std::string_view blanks = " \t\r\n\v\f";
}

void Specification::refuse(const std::string& why) const {
  throw cohort::ConfigError("invalid machine '" + cohort::excerpt(text_) + "': " + cohort::excerpt(why, 400) +
                            "; a machine is [COUNT*][user@]host[:port] [bind_addr[:port]] [key=value ...]");
}

std::vector<Specification::Word> Specification::words() const {
  std::vector<Word> words;
  std::string_view rest = text_;
  for (std::size_t begin; (begin = rest.find_first_not_of(blanks)) != rest.npos;) {
    rest.remove_prefix(begin);
    const auto plain = rest.substr(0, rest.find_first_of(std::string(blanks) + '"'));
    const auto equals = plain.find('=');
    Word word{std::string(plain.substr(0, equals)), std::nullopt};
    if (equals != plain.npos) word.value = plain.substr(equals + 1);
    rest.remove_prefix(plain.size());
    if (rest.starts_with('"')) {
      if (!word.value || !word.value->empty())
        refuse("a '\"' can only begin the value of a setting: key=\"a value\", where \"\" is one '\"'");
      word.value = take_quoted(rest);
    }
    words.push_back(std::move(word));
  }
  return words;
}

// From its first quote up to the blank after the last one.
std::string Specification::take_quoted(std::string_view& rest) const {
  std::string value;
  for (;;) {
    const auto close = rest.find('"', 1);
    if (close == rest.npos) refuse("the closing '\"' is missing");
    value += rest.substr(1, close - 1);
    rest.remove_prefix(close + 1);
    if (!rest.starts_with('"')) break;
    value += '"';
  }
  if (!rest.empty() && blanks.find(rest.front()) == blanks.npos) refuse("after the closing '\"' a blank must come");
  return value;
}

std::string_view without_comment(std::string_view line) {
  bool in_quotes = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') in_quotes = !in_quotes;
    if (line[i] == '#' && !in_quotes) return line.substr(0, i);
  }
  return line;
}

}  // namespace cohort_ssh
