#pragma once

#include <string>

namespace cohort::test {

/// Runs the tests that the filter chooses in so many processes at once, for tests that wait most of the time. What they
/// share was made before: it stays with this process. Before the first thread. @return 0 if all passed.
int run_in_shards(int count, const std::string& filter);

}  // namespace cohort::test
