// Progress on a terminal: there by itself, nowhere else.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>
#include <cohort/file_descriptor.hpp>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

using namespace std::chrono_literals;

/// A terminal that programs can open, and what they write to it.
class Terminal {
 public:
  Terminal() : screen_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    if (!screen_ || grantpt(screen_.get()) != 0 || unlockpt(screen_.get()) != 0)
      throw std::runtime_error("no terminal");
    keyboard_ = cohort::FileDescriptor(open(path().c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));  // keeps it open
  }

  std::string path() const {
    std::array<char, 64> name{};
    return ptsname_r(screen_.get(), name.data(), name.size()) == 0 ? name.data() : "";
  }
  /// Waits until `part` was written to it.
  bool shows(const std::string& part) {
    const auto deadline = cohort::deadline_after(30s);
    while (text_.find(part) == std::string::npos) {
      pollfd readable{screen_.get(), POLLIN, 0};
      std::array<char, 4096> buffer;
      if (poll(&readable, 1, cohort::poll_timeout(deadline)) != 1) return false;
      const ssize_t n = read(screen_.get(), buffer.data(), buffer.size());
      if (n <= 0) return false;
      text_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return true;
  }
  const std::string& text() const { return text_; }

 private:
  const cohort::FileDescriptor screen_;
  cohort::FileDescriptor keyboard_;
  std::string text_;
};

cohort::ChildProcess shell(const std::string& script, const std::string& dir = "") {
  cohort::SpawnOptions options;
  options.command = {"sh", "-c", script};
  options.dir = dir;
  return cohort::ChildProcess::spawn(options);
}

const std::string map = COHORT_TOOL " map -p 1 ";

TEST(Terminal, ProgressIsShownByItself) {
  Terminal terminal;
  const TemporaryDirectory directory;
  const std::string jobs = "--shell -- '[ {} = 1 ] || until [ -e go ]; do sleep 0.01; done' ::: 1 2";
  auto tool = shell(map + jobs + " 2>" + terminal.path(), directory.path());
  EXPECT_TRUE(terminal.shows("\r[##########----------] 1/2")) << terminal.text();
  directory.write("go", "");
  EXPECT_TRUE(terminal.shows("\r\033[Kcohort: [####################] 2/2")) << terminal.text();
  const auto end = tool.wait_until(cohort::deadline_after(30s));
  EXPECT_EQ(end ? end->text() : "runs on", "exited with code 0");
}

TEST(Terminal, ALongLaunchSaysHowFarItIs) {
  Terminal terminal;
  const TemporaryDirectory directory;
  const std::string launcher = directory.write(
      "launcher",
      "#!/bin/sh\nwhile ! [ -e go ] && ! mkdir first 2>/dev/null; do sleep 0.05; done\nexec " COHORT_TOOL " \"$@\"\n");
  std::filesystem::permissions(launcher, std::filesystem::perms::owner_all);
  auto tool = shell(
      COHORT_TOOL " exec -p 2 -o exename=" + launcher + " true 2>" + terminal.path() + "; echo END >" + terminal.path(),
      directory.path());
  EXPECT_TRUE(terminal.shows(" of 2 workers are up after 3 s\033[K")) << terminal.text();
  directory.write("go", "");
  EXPECT_TRUE(terminal.shows("\r\033[KEND\r\n")) << terminal.text();
}

TEST(Terminal, NoProgressMeansNone) {
  Terminal terminal;
  auto tool = shell(map + "--no-progress -- true ::: 1 2 2>" + terminal.path() + "; echo END >" + terminal.path());
  EXPECT_TRUE(terminal.shows("END\r\n")) << terminal.text();
  EXPECT_EQ(terminal.text(), "END\r\n");
}

TEST(Terminal, OnStandardOutputItIsForOutputAlone) {
  const TemporaryDirectory directory;
  Terminal terminal;
  auto tool = shell(map + "-- echo said ::: 1 2>errors >" + terminal.path() + "; cat errors >" + terminal.path() +
                        "; echo END >" + terminal.path(),
                    directory.path());
  EXPECT_TRUE(terminal.shows("END\r\n")) << terminal.text();
  EXPECT_EQ(terminal.text(), "said 1\r\nEND\r\n");
}

}  // namespace
