// Keys that have a passphrase, where there is a terminal to ask for it.

#include <cstdlib>

#include "ssh_test.hpp"
#include "terminal.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

class SshPassphraseTest : public SshTest {
 protected:
  static constexpr const char* passphrase = "open sesame";
  static constexpr const char* question = "Passphrase for ";

  /// `cohort exec` with a key that has one, on two machines.
  void start_master(const std::string& launch_timeout = "30s") {
    auto& server = serve();
    server.make_key("locked", "ed25519", passphrase);
    std::ofstream(server.path("authorized_keys"), std::ios::app) << std::ifstream(server.path("locked.pub")).rdbuf();
    ::unsetenv("SSH_AUTH_SOCK");
    terminal_.emplace(std::vector<std::string>{
        COHORT_TOOL, "exec", "-m", "ssh", "--options",
        R"({"machines": ["127.0.0.1", "127.0.0.2"], "port": )" + std::to_string(server.port()) + R"(, "identity": ")" +
            server.path("locked") + R"(", "known_hosts": ")" + server.path("known_hosts") + R"("})",
        "--set", "timeouts.launch=" + launch_timeout, "--", "echo", "here I am"});
  }
  Terminal& terminal() { return *terminal_; }
  bool asks(int times = 1) { return terminal().wait_for(question, times, soon_); }
  std::optional<int> exit_code() { return terminal().wait_for_end(soon_); }
  std::string key() { return server().path("locked"); }

 private:
  const Clock::time_point soon_ = deadline_after(60s);
  std::optional<Terminal> terminal_;
};

TEST_F(SshPassphraseTest, IsAskedForOnceAndNotShown) {
  start_master();
  ASSERT_TRUE(asks()) << terminal().shown();
  EXPECT_FALSE(terminal().shows_what_is_typed());
  terminal().type(passphrase + std::string("\n"));
  EXPECT_EQ(exit_code(), 0);
  EXPECT_TRUE(terminal().wait_for("here I am", 2, Clock::now())) << terminal().shown();
  EXPECT_FALSE(terminal().wait_for(question, 2, Clock::now())) << terminal().shown();
  EXPECT_THAT(terminal().shown(), Not(HasSubstr(passphrase)));
}

TEST_F(SshPassphraseTest, MayBeRightTheSecondTime) {
  start_master();
  ASSERT_TRUE(asks());
  terminal().type("open barley\n");
  ASSERT_TRUE(asks(2)) << terminal().shown();
  terminal().type(passphrase + std::string("\n"));
  EXPECT_EQ(exit_code(), 0) << terminal().shown();
  EXPECT_THAT(terminal().shown(), AllOf(Not(HasSubstr("open barley")), Not(HasSubstr(passphrase))));
}

TEST_F(SshPassphraseTest, ThatIsWrongIsSaidToBeSo) {
  start_master();
  for (int times = 1; times <= 3; ++times) {
    ASSERT_TRUE(asks(times)) << terminal().shown();
    terminal().type("open barley\n");
  }
  const auto code = exit_code();
  EXPECT_TRUE(code && *code != 0);
  EXPECT_THAT(terminal().shown(), HasSubstr("127.0.0.1: auth: "));
  EXPECT_THAT(terminal().shown(), HasSubstr(key() + ": wrong passphrase"));
  EXPECT_THAT(terminal().shown(), Not(HasSubstr("open barley")));
}

TEST_F(SshPassphraseTest, ThatNobodyGivesEndsTheLaunchInTime) {
  start_master("2s");
  ASSERT_TRUE(asks());
  const auto start = Clock::now();
  const auto code = exit_code();
  EXPECT_LT(Clock::now() - start, 2s + slack);
  EXPECT_TRUE(code && *code != 0);
  EXPECT_THAT(terminal().shown(), HasSubstr(key() + " has a passphrase, which was not given"));
  EXPECT_TRUE(terminal().shows_what_is_typed());
}

}  // namespace
}  // namespace cohort::test
