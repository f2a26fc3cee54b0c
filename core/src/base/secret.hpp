#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

// The cookie itself is an ordinary text, and lies in the memory of every process of its cluster as long as that runs:
// each hands it to the workers that it starts, and a core dump shows it. What is derived from it for one connection is
// wiped when it has been used, so that no more of it lies about than is needed.

inline constexpr std::size_t shortest_cookie = 16, longest_cookie = 4096;  // bytes

/// A new cookie: 32 random bytes as 64 printable hexadecimal digits. Any thread.
std::string random_cookie();

/// What every process that takes a cookie asks of it, so that none takes one that another refuses: one line, of
/// shortest_cookie to longest_cookie bytes. @throws ConfigError, in which the cookie itself is not shown.
void check_cookie(std::string_view cookie, const std::string& what);

void fill_random(std::span<std::byte> bytes);

/// A key for one purpose, of which the cookie cannot be learnt. Another purpose gives another key.
std::array<std::byte, 32> derive_key(std::string_view cookie, std::string_view purpose);

/// Overwrites the bytes in a way that the compiler cannot leave out.
void wipe(std::span<std::byte> bytes) noexcept;

/// Takes the same time wherever the two differ; only the lengths can be told apart.
bool equal_secrets(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace cohort
