#include <cohort/batch/command.hpp>

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include <cohort/batch/job_script.hpp>
#include <cohort/child_process.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/file_descriptor.hpp>

#include "command_words.hpp"

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;
using cohort::ChildProcess;

constexpr std::size_t most_printed = 16 << 20;  // of a status query for thousands of jobs; what follows is dropped
constexpr std::size_t most_shown = 2000;

struct Pipe {
  int descriptor;  // -1: at its end
  std::string text;

  void read_some() {
    std::array<char, 65536> buffer;
    const ssize_t n = ::read(descriptor, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (n <= 0) descriptor = -1;
    if (n > 0 && text.size() < most_printed) text.append(buffer.data(), static_cast<std::size_t>(n));
  }
};

// @return false: the deadline has passed.
bool read_all(Pipe& out, Pipe& err, cohort::Clock::time_point deadline) {
  while (out.descriptor >= 0 || err.descriptor >= 0) {
    pollfd polled[] = {{out.descriptor, POLLIN, 0}, {err.descriptor, POLLIN, 0}};
    const int ready = ::poll(polled, 2, cohort::poll_timeout(deadline));
    if (ready == 0) return false;
    if (ready < 0) continue;
    if (polled[0].revents != 0) out.read_some();
    if (polled[1].revents != 0) err.read_some();
  }
  return true;
}

std::string trimmed(std::string text) {
  const auto end = text.find_last_not_of(" \t\r\n");
  text.erase(end == text.npos ? 0 : end + 1);
  return text;
}

[[noreturn]] void fail(const Command& command, const std::string& what, const Pipe& out, const Pipe& err,
                       cohort::ErrorKind kind) {
  std::string printed = trimmed(err.text.empty() ? out.text : err.text);
  std::string message = "'" + shown(command.words) + "' " + what;
  if (!printed.empty()) message += ": " + cohort::excerpt(printed, most_shown, true);
  throw CommandError(message, std::move(printed), kind, out.text);
}

}  // namespace

bool is_in_path(const std::string& program) {
  const char* variable = std::getenv("PATH");
  std::istringstream directories(variable == nullptr ? "/usr/bin:/bin" : variable);
  for (std::string directory; std::getline(directories, directory, ':');) {
    std::error_code none;
    const auto file = std::filesystem::path(directory) / program;
    if (std::filesystem::is_regular_file(file, none) && ::access(file.c_str(), X_OK) == 0) return true;
  }
  return false;
}

std::string shown(const std::vector<std::string>& words) { return cohort::excerpt(shell_words(words), most_shown); }

std::string run(const Command& command) {
  cohort::SpawnOptions spawn;
  spawn.command = command.words;
  spawn.input = command.input;
  for (const auto& [name, value] : command.environment) spawn.env[name] = value;
  spawn.env["LC_ALL"] = "C";
  spawn.die_with_parent = true;  // nobody would know of a job that is submitted after that
  Pipe out{-1, ""}, err{-1, ""};
  try {
    ChildProcess child = ChildProcess::spawn(spawn);
    out.descriptor = child.out();
    err.descriptor = child.err();
    const auto deadline = cohort::deadline_after(command.limit);
    const bool said_all = read_all(out, err, deadline);
    const auto status = said_all ? child.wait_until(deadline) : std::nullopt;
    if (!status) {
      child.terminate(1s, 1s);
      fail(command,
           "did not end within " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(command.limit).count()) + " s",
           out, err, cohort::ErrorKind::overloaded);
    }
    if (!status->exited || status->code != 0) fail(command, status->text(), out, err, cohort::ErrorKind::failed);
    return std::move(out.text);
  } catch (const CommandError&) {
    throw;
  } catch (const cohort::Error& error) {
    throw CommandError(std::string(error.what()) + ". Is this a host from which jobs can be submitted?", "",
                       error.kind());
  }
}

}  // namespace cohort::batch
