// Groups A, C, D, U: how a worker finds the world when it starts.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include <cohort/child_process.hpp>

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

using StartupTest = ClusterTest;

TEST_F(StartupTest, BeforeAnyWorkerTheMasterIsAlone) {
  EXPECT_EQ(myid(), 1);
  EXPECT_EQ(procs(), std::vector<Pid>{1});
  EXPECT_EQ(workers(), std::vector<Pid>{1});
  EXPECT_EQ(nprocs(), 1);
  EXPECT_EQ(nworkers(), 1);
  EXPECT_FALSE(is_worker_process());
  EXPECT_TRUE(children().empty()) << "no process is started before it is needed";
}

TEST_F(StartupTest, EachProcessKnowsItself) {
  addprocs(2);
  for (const Pid pid : procs()) {
    EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
    EXPECT_EQ(remotecall_fetch([] { return is_worker_process(); }, pid), pid != master_pid);
  }
}

TEST_F(StartupTest, WhoNeverWasIsNotWhoIsGone) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(thrown_by([] { remotecall_fetch([] { return 1; }, 99); }), "no process with id 99 exists");
  rmprocs(pid);
  EXPECT_THROW(remotecall_fetch([] { return 1; }, pid), ProcessExitedException);
}

TEST_F(StartupTest, DirectoryAndEnvironmentAreThisProcessesUnlessGiven) {
  ASSERT_EQ(setenv("COHORT_TEST_INHERITED", "yes", 1), 0);
  const Pid like_this = addprocs(1).front();
  AddprocsOptions options;
  options.dir = "/usr";
  const Pid elsewhere = addprocs("local", R"({"count": 1, "env": {"COHORT_TEST_INHERITED": null}})", options).front();
  const auto directory = [] { return std::filesystem::current_path().string(); };
  const auto variable = [] { return std::getenv("COHORT_TEST_INHERITED") != nullptr; };
  EXPECT_EQ(remotecall_fetch(directory, like_this), directory());
  EXPECT_EQ(remotecall_fetch(directory, elsewhere), "/usr");
  EXPECT_TRUE(remotecall_fetch(variable, like_this));
  EXPECT_FALSE(remotecall_fetch(variable, elsewhere));
}

TEST_F(StartupTest, TheCookieIsNotLeftOnStandardInput) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch([] { return std::filesystem::read_symlink("/proc/self/fd/0").string(); }, pid),
            "/dev/null");
}

TEST_F(StartupTest, AWorkerInheritsNoDescriptorOfTheMaster) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // no O_CLOEXEC: it would be inherited
  const FileDescriptor read_end(ends[0]), write_end(ends[1]);
  const Pid pid = addprocs(1).front();
  struct stat mine {};
  ASSERT_EQ(fstat(ends[1], &mine), 0);
  EXPECT_FALSE(remotecall_fetch(
      [](unsigned long inode) {
        for (int descriptor = 0; descriptor < 256; descriptor++) {
          struct stat one {};
          if (fstat(descriptor, &one) == 0 && one.st_ino == inode) return true;
        }
        return false;
      },
      pid, static_cast<unsigned long>(mine.st_ino)));
}

TEST_F(StartupTest, TheCookieMayBeChosenWhileThereAreNoWorkers) {
  for (const char* cookie : {"foobar of 16 byte", "with blanks and = signs"}) {
    EXPECT_EQ(cluster_cookie(cookie), cookie);
    const Pid pid = addprocs(1).front();
    EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
    EXPECT_EQ(thrown_by([] { cluster_cookie("another than this"); }),
              "the cookie cannot change while there are workers");
    rmprocs(pid);
  }
}

// What a batch system started, or a person at another terminal.
TEST_F(StartupTest, AWorkerThatRunsAlreadyIsJoinedByItsAddress) {
  struct Joiner : ClusterManager {
    void launch(const LaunchParams&, LaunchQueue& launched) override {
      WorkerConfig config;
      config.host = "127.0.0.1";
      config.port = port;
      launched.push(std::move(config));
    }
    void manage(Pid, WorkerConfig&, ManageOp) override {}
    int port = 0;
  };
  for (const std::string& cookie : {cluster_cookie(), std::string("a wrong one, of another cluster")}) {
    SpawnOptions spawn;
    spawn.command = {this_program(), "--cohort-worker"};
    spawn.input = cookie + "\n";
    auto worker = ChildProcess::spawn(spawn);
    char line[100] = "";
    ASSERT_GT(read(worker.out(), line, sizeof line - 1), 0);
    const auto joiner = std::make_shared<Joiner>();
    joiner->port = std::atoi(line + std::string("cohort_worker:").size());
    if (cookie != cluster_cookie()) {
      const auto text = thrown_by<LaunchError>([&] { addprocs(joiner); });
      EXPECT_TRUE(contains(text, "(step: handshake; ")) << text;
      worker.terminate(5s, 5s);
    } else {
      const auto pids = addprocs(joiner);
      ASSERT_EQ(pids.size(), 1u);
      EXPECT_EQ(remotecall_fetch([] { return static_cast<int>(getpid()); }, pids.front()), worker.pid());
      rmprocs(pids);
      EXPECT_EQ(worker.wait_until(deadline_after(20s))->text(), "exited with code 0");
    }
  }
}

}  // namespace
}  // namespace cohort::test
