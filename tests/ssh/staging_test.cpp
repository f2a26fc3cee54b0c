// Programs that are copied to the machines.

#include <filesystem>

#include <cohort/child_process.hpp>

#include "../cluster/connections.hpp"
#include "../cluster/processes.hpp"
#include "ssh_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class SshStagingTest : public SshTest {
 protected:
  static std::string staged(Sshd& server, const std::string& policy, const std::string& more = "") {
    return server.options(R"(["2*127.0.0.1"])",
                          R"("stage": ")" + policy + R"(", "stage_dir": ")" + server.path("cache/cohort") + '"' + more);
  }
  /// The one directory of a program in the cache.
  static fs::path only_program(Sshd& server) {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(server.path("cache/cohort"))) all.push_back(entry.path());
    if (all.size() != 1) throw std::runtime_error(std::to_string(all.size()) + " programs in the cache");
    return all.front();
  }
};

std::string own_program() { return fs::read_symlink("/proc/self/exe"); }

/// The files that the process has mapped to run them, but those of the C library.
std::string libraries_elsewhere(const std::string& directory) {
  std::ifstream maps("/proc/self/maps");
  std::string found;
  for (std::string line; std::getline(maps, line);) {
    const auto path = line.find('/');
    if (path == line.npos || line.find(".so") == line.npos || line.substr(path).starts_with(directory)) continue;
    const std::string name = fs::path(line.substr(path)).filename();
    bool of_the_host = false;
    for (const char* part :
         {"libc.so.6", "libm.so.6", "libresolv", "ld-linux", "libasan", "libubsan", "libtsan", "libnss"})
      of_the_host |= name.starts_with(part);
    if (!of_the_host) found += name + ' ';
  }
  return found;
}

TEST_F(SshStagingTest, WorkersRunFromTheCacheWithTheirLibraries) {
  auto& server = serve();
  const auto pids = addprocs("ssh", staged(server, "if_missing"));
  ASSERT_EQ(pids.size(), 2u);
  const fs::path program = only_program(server);
  for (const Pid pid : pids) {
    EXPECT_EQ(remotecall_fetch(fn<own_program>, pid), program / "bin" / fs::path(own_program()).filename());
    EXPECT_EQ(remotecall_fetch(fn<libraries_elsewhere>, pid, program.string()), "");
  }
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
}

TEST_F(SshStagingTest, LibrariesOfTheProfileComeAfterThoseOfTheProgram) {
  auto& server = serve();
  server.write("home/.bash_profile", "export LD_LIBRARY_PATH=/opt/library/lib\n");
  const auto pids = addprocs("ssh", staged(server, "if_missing", R"(, "shell": "bash -l")"));
  ASSERT_EQ(pids.size(), 2u);
  for (const Pid pid : pids)
    EXPECT_EQ(remotecall_fetch([] { return std::string(std::getenv("LD_LIBRARY_PATH")); }, pid),
              (only_program(server) / "lib").string() + ":/opt/library/lib");
}

TEST_F(SshStagingTest, AProgramIsCopiedAgainOnlyWhenThatIsAskedFor) {
  auto& server = serve();
  rmprocs(addprocs("ssh", staged(server, "if_missing")));
  const fs::path library = only_program(server) / "lib/libcohort.so.0";
  const auto first = fs::last_write_time(library);
  rmprocs(addprocs("ssh", staged(server, "if_missing")));
  EXPECT_EQ(fs::last_write_time(library), first);
  fs::last_write_time(library, first - 1h);
  rmprocs(addprocs("ssh", staged(server, "always")));
  EXPECT_GE(fs::last_write_time(library), first);
}

TEST_F(SshStagingTest, ACopyThatWasNotFinishedIsMadeAgain) {
  auto& server = serve();
  rmprocs(addprocs("ssh", staged(server, "if_missing")));
  const fs::path program = only_program(server);
  std::ofstream(program / "lib/libcohort.so.0") << "the half of it";
  EXPECT_EQ(addprocs("ssh", staged(server, "if_missing")).size(), 2u);
}

TEST_F(SshStagingTest, AProgramWhoseFileIsAnotherOrGoneIsCopiedAsItRuns) {
  auto& server = serve();
  const TemporaryDirectory directory;
  const std::string program = directory.path("program");
  fs::copy_file(COHORT_PROCESS_PROGRAM, program);
  SpawnOptions spawn;
  spawn.command = {program, "replace", "ssh", staged(server, "always")};
  auto child = ChildProcess::spawn(spawn);
  EXPECT_TRUE(child.wait_until(deadline_after(60s)).has_value());
  const std::string answer = "the worker answers 1\n";
  EXPECT_EQ(text_of_file("/proc/self/fd/" + std::to_string(child.out())), answer + answer + answer)
      << text_of_file("/proc/self/fd/" + std::to_string(child.err()));
}

TEST_F(SshStagingTest, ADirectoryThatCannotBeWrittenIsNamed) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("stage": "always", "stage_dir": "/proc/cohort")"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: stage: cannot write /proc/cohort"));
  EXPECT_THAT(text, HasSubstr("stage_dir"));
}

TEST_F(SshStagingTest, AProgramThatIsNotHereIsNamed) {
  auto& server = serve();
  const auto text = failure(staged(server, "always", R"(, "exename": "/no/such/program")"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: stage: there is no program '/no/such/program' here"));
}

TEST_F(SshStagingTest, AServerWithoutSftpIsNamed) {
  auto& server = serve("Subsystem sftp /bin/false");
  const auto text = failure(staged(server, "always"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: stage: the server takes no files"));
  EXPECT_THAT(text, HasSubstr("Subsystem sftp"));
}

TEST_F(SshStagingTest, AServerThatStandsStillIsGivenUp) {
  auto& server = serve("ForceCommand exec cat 3>&1 >/dev/null");  // reads all, says nothing; instead of SFTP, too
  AddprocsOptions how;
  how.timeouts.emplace().launch = 2s;  // it is to be at this step by then
  const auto text = failure(staged(server, "always"), how, how.timeouts->launch);
  EXPECT_THAT(text, AllOf(HasSubstr("127.0.0.1: stage: "), Not(HasSubstr("EOF"))));
}

}  // namespace
}  // namespace cohort::test
