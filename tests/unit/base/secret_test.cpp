#include "base/secret.hpp"

#include <gtest/gtest.h>

#include <cohort/error.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace cohort {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(Secret, CookiesArePrintableAndDiffer) {
  const std::string cookie = random_cookie();
  EXPECT_EQ(cookie.size(), 64u);
  EXPECT_TRUE(std::all_of(cookie.begin(), cookie.end(), [](unsigned char c) { return std::isxdigit(c) != 0; }));
  EXPECT_NE(cookie, random_cookie());
}

TEST(Secret, DerivedKeysDependOnCookieAndPurpose) {
  const auto key = derive_key("cookie", "one");
  EXPECT_EQ(key, derive_key("cookie", "one"));
  EXPECT_NE(key, derive_key("cookie", "two"));
  EXPECT_NE(key, derive_key("other", "one"));
  EXPECT_NE(key, derive_key("", "one"));
}

TEST(Secret, ACookieIsOneLineThatCannotBeGuessed) {
  EXPECT_NO_THROW(check_cookie(random_cookie(), "it"));
  EXPECT_NO_THROW(check_cookie(std::string(16, 'c'), "it"));
  EXPECT_NO_THROW(check_cookie(std::string(4096, 'c'), "it"));
  for (const std::string& cookie :
       {std::string(), std::string(15, 'c'), std::string(4097, 'c'), std::string(20, '\n'), std::string(20, '\0')})
    EXPECT_THROW(check_cookie(cookie, "it"), ConfigError) << cookie.size();
}

TEST(Secret, Compares) {
  EXPECT_TRUE(equal_secrets(bytes_of("same"), bytes_of("same")));
  EXPECT_FALSE(equal_secrets(bytes_of("same"), bytes_of("samE")));
  EXPECT_FALSE(equal_secrets(bytes_of("same"), bytes_of("same+")));
  EXPECT_TRUE(equal_secrets({}, {}));
}

TEST(Secret, Wipes) {
  std::array<std::byte, 4> bytes{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  wipe(bytes);
  EXPECT_EQ(bytes, (std::array<std::byte, 4>{}));
}

}  // namespace
}  // namespace cohort
