#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <cohort/join_file.hpp>

namespace cohort::test {

/// Looks for secrets where others could read them. Each place that has one becomes a line of found().
class SecretSearch {
 public:
  /// Must have a text that is long enough to be one.
  void add(const std::string& secret);
  /// The tokens of a join file, and the key by which they are sent. @throws ConfigError if others can read the file.
  void add(const JoinFile& file);
  /// The join files of a cluster that has its files in this directory.
  void add_join_files(const std::filesystem::path& files);
  /// A file that may have one, besides join files that nobody else can read.
  void allow(const std::filesystem::path& file) { allowed_.insert(file); }

  /// The arguments and the environment of every process.
  void look_at_processes();
  /// All files in there, and their names.
  void look_at_files(const std::filesystem::path& directory);
  /// What this command of sh prints. It must have `expected`, which shows that it is the right one.
  void look_at_output(const std::string& command, const std::string& expected);

  std::size_t secrets() const { return secrets_.size(); }
  const std::string& found() const { return found_; }

 private:
  void look_at(const std::string& place, const std::string& text);

  std::vector<std::string> secrets_;
  std::set<std::filesystem::path> allowed_;
  std::string found_;
};

/// The whole test of a manager: a program without workers, whose job is held by the scheduler, then runs with workers
/// that are held, and then has all of them. Looks at each of these times.
struct SecretBed {
  std::string manager;
  std::string options = {};         ///< more of them, in JSON, with which its job waits: R"(, "flags": ["-h"])"
  std::string release = {};         ///< a command of sh: now the job may run. Empty: it does not wait
  std::string environment = "env";  ///< words of sh before the master's command
  std::vector<std::filesystem::path> directories = {};             ///< of the scheduler
  std::vector<std::pair<std::string, std::string>> commands = {};  ///< that say much of jobs, and what they say
};
void expect_that_no_secret_is_public(const SecretBed& bed);

}  // namespace cohort::test
