#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace cohort {

/// A new cookie: 32 random bytes as 64 printable hexadecimal digits. Any thread.
std::string random_cookie();

void fill_random(std::span<std::byte> bytes);

/// A key for one purpose, of which the cookie cannot be learnt. Another purpose gives another key.
std::array<std::byte, 32> derive_key(std::string_view cookie, std::string_view purpose);

/// Overwrites the bytes in a way that the compiler cannot leave out.
void wipe(std::span<std::byte> bytes) noexcept;
void wipe(std::string& text) noexcept;

/// Takes the same time wherever the two differ; only the lengths can be told apart.
bool equal_secrets(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace cohort
