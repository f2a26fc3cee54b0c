#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <cohort/types.hpp>

namespace cohort {

/// The progress of the jobs.
struct Progress {
  std::size_t done = 0;  ///< ended well
  std::size_t failed = 0;
  std::optional<std::size_t> total;  ///< not known while inputs are still being read
  Duration elapsed{};
};

/// "[#####-----] 50/100, 2 failed, 12.5/s, 4s left", at most `width` characters.
std::string progress_text(const Progress& progress, std::size_t width);

/// Shows progress on standard error: on a terminal it is redrawn in place, elsewhere a line is printed from time to
/// time. One thread at a time.
class ProgressBar {
 public:
  enum class Show { on_terminal, always, off };
  explicit ProgressBar(Show show);

  bool enabled() const { return enabled_; }
  /// How often update() is worth calling.
  Duration period() const;
  void update(const Progress& progress);
  /// Removes the bar from the screen, so that other output can be printed.
  void clear();

 private:
  bool terminal_;
  bool enabled_;
  bool drawn_ = false;
};

}  // namespace cohort
