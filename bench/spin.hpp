#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

/// So many steps of work that only a CPU does: a task that is held up takes longer, it does not do less. One function
/// at an address of its own: inlined into the contenders, the same loop ran at half the speed in some of them.
[[gnu::noinline, gnu::aligned(64)]] inline std::uint64_t spin(std::int64_t steps) {
  std::uint64_t x = 1;
  for (std::int64_t i = 0; i < steps; i++) {
    x = x * 6364136223846793005ull + 1442695040888963407ull;
    asm volatile("" : "+r"(x));
  }
  return x;
}

/// Steps that take this long on this machine now: the fastest of several tries.
inline std::int64_t steps_in(std::chrono::nanoseconds time) {
  constexpr std::int64_t tried = 200'000;
  auto fastest = std::chrono::nanoseconds::max();
  for (int i = 0; i < 20; i++) {
    const auto start = std::chrono::steady_clock::now();
    spin(tried);
    fastest = std::min<std::chrono::nanoseconds>(fastest, std::chrono::steady_clock::now() - start);
  }
  return tried * time.count() / fastest.count();
}
