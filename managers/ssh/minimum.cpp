#include "minimum.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include <cohort/error.hpp>

namespace cohort_ssh {

int least_workers(const std::string& minimum, int wanted) {
  if (minimum == "all") return wanted;
  const bool is_percent = minimum.ends_with('%');
  const std::string_view digits = std::string_view(minimum).substr(0, minimum.size() - (is_percent ? 1 : 0));
  long long number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0 ||
      (is_percent && number > 100))
    throw cohort::ConfigError("min is \"all\", a number of workers or a percentage like \"50%\", not '" + minimum +
                              "'");
  if (is_percent) number = (wanted * number + 99) / 100;
  return static_cast<int>(std::min<long long>(number, wanted));
}

}  // namespace cohort_ssh
