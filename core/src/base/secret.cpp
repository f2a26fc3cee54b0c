#include "base/secret.hpp"

#include <sodium.h>

#include <array>
#include <cstdlib>

#include <cohort/error.hpp>

namespace cohort {
namespace {

/// Random numbers need it. Fails only where the system has no source of randomness at all.
void initialise_sodium() {
  static const int result = sodium_init();
  if (result < 0) std::abort();
}

}  // namespace

std::string random_cookie() {
  std::array<std::byte, 32> random;
  fill_random(random);
  std::array<char, 2 * random.size() + 1> digits;
  sodium_bin2hex(digits.data(), digits.size(), reinterpret_cast<const unsigned char*>(random.data()), random.size());
  wipe(random);
  std::string cookie(digits.data());
  sodium_memzero(digits.data(), digits.size());
  return cookie;
}

void check_cookie(std::string_view cookie, const std::string& what) {
  if (cookie.find_first_of(std::string_view("\n\0", 2)) != cookie.npos)
    throw ConfigError(what + " has a line end or a zero byte; it is one line");
  if (cookie.size() < shortest_cookie || cookie.size() > longest_cookie)
    throw ConfigError(what + " must have " + std::to_string(shortest_cookie) + " to " + std::to_string(longest_cookie) +
                      " bytes, and has " + (cookie.size() > longest_cookie ? "more" : std::to_string(cookie.size())));
}

void fill_random(std::span<std::byte> bytes) {
  initialise_sodium();
  randombytes_buf(bytes.data(), bytes.size());
}

std::array<std::byte, 32> derive_key(std::string_view cookie, std::string_view purpose) {
  const auto bytes = [](std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); };
  std::array<unsigned char, 32> root;
  std::array<std::byte, 32> key;
  crypto_generichash(root.data(), root.size(), bytes(cookie), cookie.size(), nullptr, 0);
  crypto_generichash(reinterpret_cast<unsigned char*>(key.data()), key.size(), bytes(purpose), purpose.size(),
                     root.data(), root.size());
  sodium_memzero(root.data(), root.size());
  return key;
}

void wipe(std::span<std::byte> bytes) noexcept { sodium_memzero(bytes.data(), bytes.size()); }

bool equal_secrets(std::span<const std::byte> a, std::span<const std::byte> b) noexcept {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace cohort
