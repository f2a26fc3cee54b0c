// A program that uses the library may choose a locale, as most with a window do: numbers are read the same.

#include <stdlib.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "config/cluster_text.hpp"
#include "config/units.hpp"

namespace cohort::detail {
namespace {

using namespace std::chrono_literals;

class DecimalComma : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_NE(::mkdtemp(directory_.data()), nullptr);
    std::ofstream(directory_ + "/source") << "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\n"
                                             "END LC_NUMERIC\n";
    // It complains that the other categories are missing, which are not wanted.
    std::ignore =
        std::system(("localedef -c -i " + directory_ + "/source " + directory_ + "/comma 2>/dev/null").c_str());
    ::setenv("LOCPATH", directory_.c_str(), 1);
    ASSERT_NE(std::setlocale(LC_NUMERIC, "comma"), nullptr) << "localedef, of the package libc-bin, made no locale";
    ASSERT_STREQ(std::localeconv()->decimal_point, ",");
  }
  void TearDown() override {
    std::setlocale(LC_NUMERIC, "C");
    ::unsetenv("LOCPATH");
    std::filesystem::remove_all(directory_);
  }

  std::string directory_ = std::filesystem::temp_directory_path() / "locale.XXXXXX";
};

TEST_F(DecimalComma, ChangesNoNumber) {
  EXPECT_EQ(parse_duration("0.9s"), 900ms);
  EXPECT_EQ(parse_duration("1.5m"), 90s);
  EXPECT_EQ(parse_size("1.5KiB"), 1536u);
  EXPECT_THROW(parse_duration("0,9s"), ConfigError);
  const auto file = parse_cluster_text(R"({"version": 1, "managers": [], "timeouts": {"connect": "0.9s"}})", "text",
                                       [](PluginKind, const std::string&) { return std::span<const Option>(); });
  EXPECT_EQ(file.timeouts.connect, 900ms);
}

}  // namespace
}  // namespace cohort::detail
