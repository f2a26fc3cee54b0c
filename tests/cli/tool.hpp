#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// What a run of the tool left.
struct ToolResult {
  int code = -1;  ///< exit status; 128 + N: killed by signal N
  std::string out;
  std::string err;
};

struct ToolInput {
  std::string standard_input;
  std::string dir;  ///< working directory
  /// Called with the tool's process id once it printed `when_printed`.
  std::string when_printed;
  std::function<void(int pid)> then;
};

/// Runs the built `cohort`, kills it after a minute.
ToolResult cohort_tool(const std::vector<std::string>& arguments, const ToolInput& input = {});

/// Runs a script of sh in which $cohort is the built tool.
ToolResult run_script(const std::string& script, const ToolInput& input = {});

/// What could be read of it: a file of /proc ends with its process.
std::string text_of_file(const std::filesystem::path& path);

std::vector<std::string> lines_of(const std::string& text);
std::vector<std::string> sorted(std::vector<std::string> lines);

/// A directory of its own for a test, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::string path() const { return directory_.string(); }
  /// Writes a file. @return its path.
  std::string write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;

 private:
  std::filesystem::path directory_;
};
