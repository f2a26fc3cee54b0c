// The end of `cohort fake-scheduler` itself.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <string>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>
#include <cohort/file_descriptor.hpp>

#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

// Such as one that was stopped, or that came at the last moment.
TEST(FakeSchedulerEnd, DoesNotWaitForACommandThatHasNotSaidWhatItWants) {
  const TemporaryDirectory files;
  SpawnOptions spawn;
  spawn.command = {COHORT_TOOL, "fake-scheduler",
                   "--",        "/bin/sh",
                   "-c",        "echo $COHORT_FAKE_SCHEDULER; until [ -e end ]; do sleep 0.02; done"};
  spawn.dir = files.path();
  auto scheduler = ChildProcess::spawn(spawn);
  std::string directory;
  for (char next = 0; ::read(scheduler.out(), &next, 1) == 1 && next != '\n';) directory.push_back(next);
  const FileDescriptor command(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = directory + "/socket";
  ASSERT_LT(path.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::connect(command.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(run_script("COHORT_FAKE_SCHEDULER=" + directory + " $cohort fake-scheduler control jobs").out, "")
      << "it has taken the connection before that command's";
  files.write("end", "");
  const auto status = scheduler.wait_until(deadline_after(20s));
  ASSERT_TRUE(status) << "it waits";
  EXPECT_EQ(status->text(), "exited with code 0");
}

}  // namespace
}  // namespace cohort::test
