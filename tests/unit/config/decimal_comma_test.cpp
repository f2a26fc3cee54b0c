// A program that uses the library may choose a locale, as most with a window do: numbers are read the same.

#include <stdlib.h>

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <string>

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
    const std::string make = "localedef -i de_DE -f UTF-8 " + directory_ + "/de_DE.UTF-8 2>/dev/null";
    ::setenv("LOCPATH", directory_.c_str(), 1);
    if (std::system(make.c_str()) != 0 || std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr)
      GTEST_SKIP() << "no locale with a decimal comma can be made here; Debian has them in the package 'locales'";
    ASSERT_STREQ(std::localeconv()->decimal_point, ",");
  }
  void TearDown() override {
    std::setlocale(LC_ALL, "C");
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
