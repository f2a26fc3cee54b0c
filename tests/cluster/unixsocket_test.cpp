// The manager unixsocket: workers that only this user's processes on this host can reach.

#include <sys/stat.h>

#include <filesystem>

#include <cohort/cohort.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class UnixSocketTest : public ClusterTest {};

// Sockets of this process by their places in the tables of the kernel.
bool has_tcp_socket() {
  for (const auto& descriptor : fs::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    const std::string target = fs::read_symlink(descriptor.path(), ignored);
    if (!target.starts_with("socket:[")) continue;
    const std::string inode = ' ' + target.substr(8, target.size() - 9) + ' ';
    for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"})
      if (text_of_file(table).find(inode) != std::string::npos) return true;
  }
  return false;
}

TEST_F(UnixSocketTest, WorkersListenOnSocketsOfTheirOwnDirectoryAndNowhereElse) {
  const TemporaryDirectory directory;
  const std::string sockets = directory.path("s");
  const auto pids = addprocs("unixsocket", R"({"count": 2, "socket_dir": ")" + sockets + R"("})");
  ASSERT_EQ(pids.size(), 2u);
  struct stat status {};
  ASSERT_EQ(::stat(sockets.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  int found = 0;
  for (const auto& entry : fs::directory_iterator(sockets)) found += entry.is_socket();
  EXPECT_EQ(found, 2);
  for (const Pid pid : pids) EXPECT_FALSE(remotecall_fetch(fn<has_tcp_socket>, pid)) << pid;
  EXPECT_EQ(remotecall_fetch([](Pid other) { return remotecall_fetch([] { return myid(); }, other); }, 2, 3), 3);
}

TEST_F(UnixSocketTest, NothingOfAKilledWorkerStays) {
  const TemporaryDirectory directory;
  const std::string sockets = directory.path("s");
  const Pid pid = addprocs("unixsocket", R"({"count": 1, "socket_dir": ")" + sockets + R"("})").front();
  EXPECT_THROW(remotecall_fetch([] { return ::raise(SIGKILL); }, pid), ProcessExitedException);
  EXPECT_TRUE(eventually([&] { return !fs::exists(sockets); }));
}

TEST_F(UnixSocketTest, ADirectoryThatOthersCanEnterIsRefused) {
  const TemporaryDirectory directory;
  const std::string sockets = directory.path("s");
  fs::create_directory(sockets);
  fs::permissions(sockets, fs::perms::owner_all | fs::perms::others_exec);
  const auto text =
      thrown_by<LaunchError>([&] { addprocs("unixsocket", R"({"count": 1, "socket_dir": ")" + sockets + R"("})"); });
  EXPECT_TRUE(contains(text, sockets)) << text;
}

}  // namespace
}  // namespace cohort::test
