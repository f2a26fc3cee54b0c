#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

namespace cohort::batch {

/// What is done about the jobs of a cluster, and why: in a file among those of the cluster, which `cohort explain`
/// prints. Any thread.
class Journal {
 public:
  /// Writes the file from now on, with what was noted before.
  void keep_in(const std::filesystem::path& directory);
  /// Something was done: it is kept with the time. Only the newest hundred are.
  void note(const std::string& text);
  /// The same, and it is printed on standard error.
  void say(const std::string& text);
  /// How it is now, a line each; these take the place of those before.
  void set_state(std::vector<std::string> lines);

 private:
  void write() noexcept COHORT_REQUIRES(mutex_);

  cohort::detail::Mutex mutex_;
  std::filesystem::path file_ COHORT_GUARDED_BY(mutex_);  // empty: none yet
  std::deque<std::string> notes_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::string> state_ COHORT_GUARDED_BY(mutex_);
};

/// What the file of a journal says.
struct JournalText {
  std::string as_of;               ///< when it was written
  std::vector<std::string> state;  ///< a line each; see Journal::set_state()
  std::vector<std::string> notes;  ///< from the oldest to the newest, each with its time

  /// @param directory of the files of a cluster. @throws Error if there is none, or it cannot be trusted; ConfigError
  /// if it is not one.
  static JournalText read(const std::filesystem::path& directory);
};

}  // namespace cohort::batch
