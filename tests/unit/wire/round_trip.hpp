#pragma once

#include <gtest/gtest.h>

#include <cohort/archive.hpp>

namespace cohort {

/// What arrives of a value that travels.
template <class T>
T round_trip(const T& value) {
  return decode<T>(encode(value));
}

template <class T>
void expect_round_trip(const T& value) {
  EXPECT_EQ(round_trip(value), value);
}

}  // namespace cohort
