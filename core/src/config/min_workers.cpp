#include "config/min_workers.hpp"

#include <charconv>
#include <string_view>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort {

MinWorkers::MinWorkers(std::string text) : text_(std::move(text)) {
  if (text_ == "all") return;
  is_percent_ = text_.ends_with('%');
  const auto digits = std::string_view(text_).substr(0, text_.size() - (is_percent_ ? 1 : 0));
  const std::size_t longest = is_percent_ && digits != "100" ? 2 : 9;
  const bool is_number =
      !digits.empty() && digits.size() <= longest && digits.find_first_not_of("0123456789") == digits.npos;
  if (is_number) std::from_chars(digits.data(), digits.data() + digits.size(), number_);
  if (!is_number)
    throw ConfigError("expected \"all\", a number of workers like \"12\" or a percentage like \"50%\", found \"" +
                      excerpt(text_) + "\"");
}

int MinWorkers::of(int wanted) const {
  return is_percent_ ? static_cast<int>((static_cast<long long>(wanted) * number_ + 99) / 100) : number_;
}

std::string MinWorkers::pattern() { return "^(all|[0-9]{1,9}|([0-9]{1,2}|100)%)$"; }

}  // namespace cohort
