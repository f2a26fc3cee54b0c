#pragma once

#include <atomic>

namespace cohort::test {

/// Counts how often values of this type were written and read in this process.
struct Counted {
  int number = 0;
  static inline std::atomic<int> written{0}, read{0};
  template <class Archive>
  void serialize(Archive& archive) {
    (Archive::is_saving::value ? written : read)++;
    archive(number);
  }
};

inline int times_read() { return Counted::read; }

}  // namespace cohort::test
