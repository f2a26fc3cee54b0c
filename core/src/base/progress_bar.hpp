#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include <cohort/types.hpp>

namespace cohort {

/// How far the jobs are.
struct Progress {
  std::size_t done = 0;  ///< ended well
  std::size_t failed = 0;
  std::optional<std::size_t> total;  ///< not known while inputs are still being read
  Duration elapsed{};
};

/// "[#####-----] 50/100, 2 failed, 12.5/s, 4s left", at most `width` characters.
std::string progress_text(const Progress& progress, std::size_t width);

/// Shows progress on standard error: redrawn in place on a terminal, else a line now and then. One thread at a time.
class ProgressBar {
 public:
  enum class Show { on_terminal, always, off };
  explicit ProgressBar(Show show);

  bool enabled() const { return enabled_; }
  /// How often update() is worth calling.
  Duration period() const;
  void update(const Progress& progress);
  /// Takes the bar off the screen, for other output to come.
  void clear();

 private:
  bool terminal_;
  bool enabled_;
  bool drawn_ = false;
};

}  // namespace cohort
