// Whom the manager believes, and what it takes from whom: ssh's configuration, keys, agents and staged programs.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "ssh_test.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

/// A variable of the environment, for a scope.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }
  Variable(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

class SshTrustTest : public SshTest {
 protected:
  /// What ~/.ssh/config says. The home directory is the server's from then on.
  void configure(const std::string& lines) {
    fs::create_directory(server().path("home/.ssh"));
    server().write("home/.ssh/config", lines);
    home_ = std::make_unique<Variable>("HOME", server().path("home"));
  }
  std::string with_config(const std::string& more = "") {
    return server().options(R"(["127.0.0.1"])", R"("use_config": true)" + more);
  }

 private:
  std::unique_ptr<Variable> home_;
};

TEST_F(SshTrustTest, AChangedHostKeyIsRefusedWhateverTheConfigurationSays) {
  auto& server = serve();
  server.make_key("another");
  for (const auto& known : {server.public_key("another"), std::string()}) {
    server.write_known_hosts("known_hosts", known);
    configure("StrictHostKeyChecking no\nUserKnownHostsFile " + server.path("known_hosts") + '\n');
    EXPECT_THAT(failure(with_config()), HasSubstr("127.0.0.1: host key: "));
    const std::string by_config_alone = R"({"machines": ["127.0.0.1"], "use_config": true, "port": )" +
                                        std::to_string(server.port()) + R"(, "identity": ")" + server.path("key") +
                                        "\"}";
    EXPECT_THAT(failure(by_config_alone), HasSubstr("127.0.0.1: host key: "));
  }
  EXPECT_EQ(server.logins(), 0u);
}

TEST_F(SshTrustTest, TheConfigurationMayNameTheFileOfKnownHosts) {
  auto& server = serve();
  configure("UserKnownHostsFile " + server.path("known_hosts") + '\n');
  EXPECT_EQ(addprocs("ssh", R"({"machines": ["127.0.0.1"], "use_config": true, "port": )" +
                                std::to_string(server.port()) + R"(, "identity": ")" + server.path("key") + "\"}")
                .size(),
            1u);
}

TEST_F(SshTrustTest, AConfigurationThatOthersCouldHaveWrittenIsNotUsed) {
  serve();
  configure("Compression no\n");
  ASSERT_EQ(::chmod(server().path("home/.ssh/config").c_str(), 0666), 0);
  EXPECT_THAT(failure(with_config()), AllOf(HasSubstr("others could have written it"), HasSubstr("home/.ssh/config")));
}

TEST_F(SshTrustTest, TimeLimitsAndLoggingOfTheConfigurationAreNotTaken) {
  serve();
  configure("ConnectTimeout 1\nLogLevel DEBUG3\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(addprocs("ssh", with_config()).size(), 1u);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST_F(SshTrustTest, AProxyCommandThatFailsIsNamed) {
  serve();
  configure("ProxyCommand exit 3\n");
  EXPECT_THAT(failure(with_config()), AllOf(HasSubstr("127.0.0.1: connect: "), HasSubstr("ProxyCommand 'exit 3'")));
}

TEST_F(SshTrustTest, ANameThatLibsshDislikesIsStillLookedUp) {
  EXPECT_THAT(failure(R"({"machines": ["no_such_host.invalid"]})", {}, 30s),
              HasSubstr("no_such_host.invalid: resolve: "));
}

TEST_F(SshTrustTest, ABrokenLineOfKnownHostsIsNamedAndTheOthersCount) {
  auto& server = serve();
  const std::string host = "[127.0.0.1]:" + std::to_string(server.port()) + ' ';
  server.write("known_hosts", host + "ssh-ed25519 AAAA\r\n" + host + server.public_key("host_key") + "\r\n");
  rmprocs(addprocs("ssh", server.options()));
  server.write("known_hosts", host + "ssh-ed25519 AAAA\n");
  EXPECT_THAT(failure(server.options()), HasSubstr("No key can be read in " + server.path("known_hosts") + ":1"));
  server.write("known_hosts",
               host + server.public_key("host_key") + "\n@revoked " + host + server.public_key("host_key"));
  EXPECT_THAT(failure(server.options()), HasSubstr("@revoked"));
}

TEST_F(SshTrustTest, AnIdentityThatOthersCanReadIsNotUsed) {
  auto& server = serve();
  ASSERT_EQ(::chmod(server.path("key").c_str(), 0644), 0);
  EXPECT_THAT(failure(server.options()), HasSubstr("chmod 600 " + server.path("key")));
  EXPECT_EQ(server.logins(), 0u);
}

TEST_F(SshTrustTest, AServerThatHasEnoughOfTheAgentsKeysIsHeardAtOnce) {
  auto& server = serve("MaxAuthTries 2");
  SpawnOptions spawn;
  spawn.command = {"ssh-agent", "-D", "-a", server.path("agent")};
  spawn.die_with_parent = true;
  auto agent = ChildProcess::spawn(spawn);
  ASSERT_TRUE(eventually([&] { return fs::exists(server.path("agent")); }));
  const Variable socket("SSH_AUTH_SOCK", server.path("agent"));
  for (const std::string name : {"first", "second", "third", "fourth"}) {
    server.make_key(name);
    SpawnOptions add;
    add.command = {"ssh-add", "-q", server.path(name)};
    const auto status = ChildProcess::spawn(add).wait_until(Clock::now() + 60s);
    ASSERT_TRUE(status && status->code == 0);
  }
  const auto text = failure(R"({"machines": ["127.0.0.1"], "port": )" + std::to_string(server.port()) +
                            R"(, "connect_timeout": "30s", "known_hosts": ")" + server.path("known_hosts") + "\"}");
  EXPECT_THAT(text, HasSubstr("127.0.0.1: auth: the server ended the connection: it said 'Too many authentication "
                              "failures'"));
  EXPECT_THAT(text, HasSubstr("the agent's keys (test, test, test, test)"));
  EXPECT_THAT(text, HasSubstr("'identity' names the right one"));
  agent.terminate(5s, 5s);
}

class SshStagingTrustTest : public SshTest {
 protected:
  std::string staged() {
    return server().options(R"(["127.0.0.1"])",
                            R"("stage": "if_missing", "stage_dir": ")" + server().path("cache") + '"');
  }
  fs::path only_program() {
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(server().path("cache"))) all.push_back(entry.path());
    if (all.size() != 1) throw std::runtime_error(std::to_string(all.size()) + " programs in the cache");
    return all.front();
  }
  /// Makes it wrong after a first launch. @return what the next one says.
  template <class Change>
  std::string after(Change&& change) {
    serve();
    rmprocs(addprocs("ssh", staged()));
    change();
    return failure(staged());
  }
};

TEST_F(SshStagingTrustTest, AFileThatOthersMayWriteIsNotRun) {
  EXPECT_THAT(after([&] { fs::permissions(only_program() / "lib/libcohort.so.0", fs::perms(0777)); }),
              AllOf(HasSubstr("127.0.0.1: stage: "), HasSubstr("others may write to"), HasSubstr("libcohort.so.0")));
}

TEST_F(SshStagingTrustTest, ADirectoryThatOthersMayWriteIsNotUsed) {
  EXPECT_THAT(after([&] { fs::permissions(server().path("cache"), fs::perms(0777)); }),
              AllOf(HasSubstr("others may write to "), HasSubstr("/cache\n"), HasSubstr("stage_dir")));
}

TEST_F(SshStagingTrustTest, AStickyDirectoryOfAllIsGoodEnough) {
  serve();
  fs::create_directory(server().path("cache"));
  fs::permissions(server().path("cache"), fs::perms(01777));
  EXPECT_EQ(addprocs("ssh", staged()).size(), 1u);
}

TEST_F(SshStagingTrustTest, WhatAnotherUserPutThereIsNotRun) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  EXPECT_THAT(after([&] {
                fs::permissions(server().path("cache"), fs::perms(01777));
                for (const auto& entry : fs::recursive_directory_iterator(only_program()))
                  ASSERT_EQ(::chown(entry.path().c_str(), 1234, 1234), 0);
                ASSERT_EQ(::chown(only_program().c_str(), 1234, 1234), 0);
              }),
              AllOf(HasSubstr("127.0.0.1: stage: "), HasSubstr("belongs to user 1234")));
}

TEST_F(SshStagingTrustTest, WhatWasPurgedIsCopiedAgain) {
  serve();
  rmprocs(addprocs("ssh", staged()));
  const fs::path program = only_program();
  fs::remove(program / "lib/libcohort.so.0");
  fs::resize_file(program / "lib/cohort/plugins/libcohort_transport_tcp.so", 100);
  EXPECT_EQ(addprocs("ssh", staged()).size(), 1u);
  EXPECT_TRUE(fs::exists(program / "lib/libcohort.so.0"));
  EXPECT_GT(fs::file_size(program / "lib/cohort/plugins/libcohort_transport_tcp.so"), 100u);
}

}  // namespace
}  // namespace cohort::test
