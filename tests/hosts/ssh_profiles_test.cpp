// Login shells, and the profiles that they read before they do what they are told.

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

#include "../cluster/processes.hpp"
#include "ssh_hosts.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class SshProfilesTest : public SshHostsTest {
 protected:
  /// The user's on that host, who stands in the first line.
  static void set_login_shell(const HostBed& bed, const SshHost& host, const std::string& shell) {
    const fs::path path = bed.directory() / host.name / "passwd";
    std::ifstream file(path);
    std::string user, others;
    std::getline(file, user);
    others.assign(std::istreambuf_iterator<char>(file), {});
    std::ofstream(path) << user.substr(0, user.rfind(':') + 1) << shell << '\n' << others;
  }

  static void write(const fs::path& path, const std::string& text) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  /// An account on the host, for logins by the same key. The superuser's processes are not ended by sshd before 9.8.
  static void add_user(const HostBed& bed, const SshHost& host, const std::string& name, const std::string& profile) {
    const std::string home = "/srv/" + name;
    bed.run(host, "mount -t tmpfs tmpfs /srv && mkdir " + home + " && cp " +
                      (bed.directory() / host.name / "authorized_keys").string() + ' ' + home + "/keys && echo '" +
                      profile + "' >" + home + "/.bashrc && echo " + name + ":x:1000:1000::" + home +
                      ":/bin/bash >>/etc/passwd && echo '" + name + ":*:19000:0:99999:7:::' >>/etc/shadow");
  }
  static constexpr const char* keys_of_users = "AuthorizedKeysFile /srv/%u/keys";
};

TEST_F(SshProfilesTest, AnyLoginShellMayHaveAProfileThatIsSlow) {
  const std::vector<std::pair<std::string, std::string>> shells{{"/bin/bash", ".bashrc"},
                                                                {"/bin/csh", ".cshrc"},
                                                                {"/bin/tcsh", ".tcshrc"},
                                                                {"/bin/zsh", ".zshenv"},
                                                                {"/usr/bin/fish", ".config/fish/config.fish"}};
  HostBed& bed = start_hosts(static_cast<int>(shells.size()));
  SKIP_UNLESS_ISOLATED(bed);
  for (std::size_t i = 0; i < shells.size(); ++i) {
    const auto& [shell, profile] = shells[i];
    if (::access(shell.c_str(), X_OK) != 0) GTEST_SKIP() << "there is no " << shell;
    set_login_shell(bed, bed[i], shell);
    write(bed.home(bed[i]) / profile, "sleep 1\necho ran >" + (bed.home(bed[i]) / "ran").string() + '\n');
  }
  EXPECT_EQ(add_ssh_workers(ssh_options(bed)).size(), shells.size());
  for (std::size_t i = 0; i < shells.size(); ++i) EXPECT_TRUE(fs::exists(bed.home(bed[i]) / "ran")) << shells[i].first;
}

// Also what comes after its line: the script, the secret of the cluster.
TEST_F(SshProfilesTest, OneThatReadsItsInputGetsNothing) {
  HostBed& bed = start_hosts(2);
  SKIP_UNLESS_ISOLATED(bed);
  for (const SshHost& host : bed.hosts()) set_login_shell(bed, host, "/bin/bash");
  const fs::path curious = bed.home(bed[0]), waiting = bed.home(bed[1]);
  write(curious / ".bashrc", "while read -t 0.3 -r line; do echo \"$line\" >>" + (curious / "read").string() +
                                 "; done; echo >" + (curious / "ran").string() + '\n');
  write(waiting / ".bashrc", "echo what now?; read -r line; echo \"$line\" >" + (waiting / "read").string() + '\n');
  AddprocsOptions how;
  how.timeouts = Timeouts{.launch = 3s};
  const std::string text = failure(ssh_options(bed), how, how.timeouts->launch);
  EXPECT_TRUE(contains(text, bed[1].machine() + ": exec: no time was left; the login shell started nothing")) << text;
  EXPECT_TRUE(contains(text, "what now?")) << text;
  EXPECT_FALSE(contains(text, cluster_cookie())) << text;
  EXPECT_EQ(nworkers(), 1) << "the curious one";
  EXPECT_TRUE(fs::exists(curious / "ran"));
  EXPECT_EQ(text_of_file(curious / "read"), "");
  // The shell goes on for a moment after the launch was given up, and reads the end of its input.
  EXPECT_TRUE(eventually([&] { return text_of_file(waiting / "read") == "\n"; })) << text_of_file(waiting / "read");
}

TEST_F(SshProfilesTest, OneThatHangsEndsTheLaunchInTimeAndIsEndedItself) {
  HostBed& bed = start_hosts(2, {keys_of_users});
  SKIP_UNLESS_ISOLATED(bed);
  for (const SshHost& host : bed.hosts()) add_user(bed, host, "ada", "trap \"\" TERM HUP; echo one moment; sleep 1000");
  auto options = ssh_options(bed);
  options["user"] = "ada";
  AddprocsOptions how;
  how.timeouts = Timeouts{.launch = 2s};
  const std::string text = failure(options, how, how.timeouts->launch);
  for (const SshHost& host : bed.hosts())
    EXPECT_TRUE(contains(text, host.machine() + ": exec: no time was left; the login shell started nothing")) << text;
  EXPECT_TRUE(contains(text, "one moment")) << text;
  EXPECT_TRUE(contains(text, "timeouts.launch")) << text;
  EXPECT_TRUE(eventually([&] { return processes_on(bed).empty(); }, slack))
      << testing::PrintToString(processes_on(bed));
}

// sshd may refuse to end it, for the superuser's logins do.
TEST_F(SshProfilesTest, OneThatIsThroughTooLateStartsNothing) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  set_login_shell(bed, bed[0], "/bin/bash");
  const fs::path home = bed.home(bed[0]), program = home / "program";
  write(home / ".bashrc", "while [ ! -e " + (home / "go_on").string() + " ]; do sleep 0.05; done");
  write(program, "#!/bin/sh\necho >" + (home / "started").string() + "\nexec sleep 1000\n");
  fs::permissions(program, fs::perms(0755));
  auto options = ssh_options(bed);
  options["exename"] = program;
  AddprocsOptions how;
  how.timeouts = Timeouts{.launch = 1s};
  EXPECT_TRUE(contains(failure(options, how, how.timeouts->launch), bed[0].machine() + ": exec: "));
  write(home / "go_on", "");
  EXPECT_TRUE(eventually([&] { return processes_on(bed).empty(); })) << testing::PrintToString(processes_on(bed));
  EXPECT_FALSE(fs::exists(home / "started"));
}

}  // namespace
}  // namespace cohort::test
