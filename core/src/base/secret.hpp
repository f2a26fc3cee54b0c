#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

// The cookie itself is an ordinary text in the memory of every process of its cluster: each passes it to the workers
// that it starts, and a core dump shows it. Keys that are derived from it for one connection are wiped after use, so
// that no more copies exist than necessary.

inline constexpr std::size_t shortest_cookie = 16, longest_cookie = 4096;  // bytes

/// A new cookie: 32 random bytes as 64 printable hexadecimal digits. Any thread.
std::string random_cookie();

/// Checks a cookie; every process that gets one calls it, so that all accept the same cookies: one line, of
/// shortest_cookie to longest_cookie bytes. @throws ConfigError, which does not contain the cookie.
void check_cookie(std::string_view cookie, const std::string& what);

void fill_random(std::span<std::byte> bytes);

/// Derives a key for one purpose. The cookie cannot be found from it. Another purpose gives another key.
std::array<std::byte, 32> derive_key(std::string_view cookie, std::string_view purpose);

/// Overwrites the bytes in a way that the compiler cannot leave out.
void wipe(std::span<std::byte> bytes) noexcept;

/// Compares in constant time; only a difference in length can be noticed.
bool equal_secrets(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace cohort
