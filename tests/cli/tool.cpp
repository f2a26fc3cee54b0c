#include "tool.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

#include <cohort/child_process.hpp>

#include "test_programs.hpp"

namespace {

using namespace std::chrono_literals;

// Where managers of batch systems record their clusters, in place of the user's own directory. It goes with this
// process.
const std::string& state_home() {
  static const TemporaryDirectory directory;
  static const std::string path = directory.path();
  return path;
}

bool read_some(int& descriptor, std::string& text) {
  std::array<char, 65536> buffer;
  const ssize_t n = read(descriptor, buffer.data(), buffer.size());
  if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
  if (n <= 0) descriptor = -1;
  return n > 0;
}

ToolResult run(std::vector<std::string> command, const ToolInput& input) {
  cohort::SpawnOptions options;
  options.command = std::move(command);
  options.env["cohort"] = COHORT_TOOL;
  if (std::getenv("XDG_STATE_HOME") == nullptr) options.env["XDG_STATE_HOME"] = state_home();
  options.input = input.standard_input;
  options.dir = input.dir;
  auto child = cohort::ChildProcess::spawn(options);

  ToolResult result;
  bool told = !input.then;
  const auto deadline = cohort::deadline_after(1min);
  int out = child.out(), err = child.err();
  while (out >= 0 || err >= 0) {
    pollfd wanted[] = {{out, POLLIN, 0}, {err, POLLIN, 0}};
    if (poll(wanted, 2, cohort::poll_timeout(deadline)) <= 0) break;
    if (wanted[0].revents != 0) read_some(out, result.out);
    if (wanted[1].revents != 0) read_some(err, result.err);
    if (!told && result.out.find(input.when_printed) != std::string::npos) {
      told = true;
      input.then(child.pid());
    }
  }
  auto status = child.wait_until(deadline);
  if (!status) {
    child.signal(SIGKILL);
    status = child.wait_until(cohort::deadline_after(10s));
    result.err += "(did not end)";
  }
  if (status) result.code = status->exited ? status->code : 128 + status->signal;
  return result;
}

}  // namespace

ToolResult cohort_tool(const std::vector<std::string>& arguments, const ToolInput& input) {
  std::vector<std::string> command = {COHORT_TOOL};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return run(std::move(command), input);
}

ToolResult run_script(const std::string& script, const ToolInput& input) { return run({"sh", "-c", script}, input); }

std::string text_of_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cohort-cli.XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  directory_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  do {
    std::filesystem::remove_all(directory_, error);
  } while (error == std::errc::no_such_file_or_directory);  // another process removed what is its own
  EXPECT_FALSE(error) << directory_ << ": " << error.message() << "; does something still write there?";
}

std::string TemporaryDirectory::write(const std::string& name, const std::string& text) const {
  std::ofstream(directory_ / name) << text;
  return path(name);
}

std::string TemporaryDirectory::read(const std::string& name) const { return text_of_file(directory_ / name); }
