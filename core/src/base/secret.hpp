#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace cohort {

/// A new cookie: 32 random bytes as 64 printable hexadecimal digits. Any thread.
std::string random_cookie();

void fill_random(std::span<std::byte> bytes);

/// Overwrites the bytes in a way that the compiler cannot leave out.
void wipe(std::span<std::byte> bytes) noexcept;
void wipe(std::string& text) noexcept;

/// Takes the same time wherever the two differ; only the lengths can be told apart.
bool equal_secrets(std::span<const std::byte> a, std::span<const std::byte> b) noexcept;

}  // namespace cohort
