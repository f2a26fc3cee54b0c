#pragma once

#include <cstdlib>
#include <string>

/// Called by static initialisers: appends to what the test reads from the environment of each process.
inline bool note_loading(const std::string& module) {
  const char* before = std::getenv("COHORT_TEST_LOADED");
  setenv("COHORT_TEST_LOADED", ((before == nullptr ? "" : before) + module + ";").c_str(), 1);
  return true;
}
