// Each way a launch can fail has a message of its own that says where, what, and what to try.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "../cluster/captured_stderr.hpp"
#include "ssh_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

class SshErrorsTest : public SshTest {
 protected:
  /// The command of a message, without what stands before it.
  static void run_the_advice(const std::string& text) {
    const std::string before = "if it is the same: ";
    const auto at = text.find(before);
    ASSERT_NE(at, text.npos) << text;
    const std::string command = text.substr(at + before.size(), text.find('\n', at) - at - before.size());
    SpawnOptions spawn;
    spawn.command = {"/bin/sh", "-c", command};
    spawn.capture = false;
    auto process = ChildProcess::spawn(spawn);
    const auto status = process.wait_until(Clock::now() + 60s);
    ASSERT_TRUE(status && status->exited && status->code == 0) << command;
  }
  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
};

/// A socket that listens on the loopback address.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_.get(), 16) != 0 ||
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    machine_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  const std::string& machine() const { return machine_; }
  int socket() const { return socket_.get(); }
  void close() { socket_.reset(); }

 private:
  FileDescriptor socket_;
  std::string machine_;
};

TEST_F(SshErrorsTest, AnUnknownHostKeyIsRefusedUntilItWasAccepted) {
  auto& server = serve();
  server.write_known_hosts("known_hosts", "");
  const auto text = failure(server.options());
  EXPECT_THAT(text, HasSubstr("127.0.0.1: host key: "));
  EXPECT_THAT(text, HasSubstr("ssh-ed25519 key SHA256:"));
  EXPECT_THAT(text, HasSubstr("is not in " + server.path("known_hosts")));
  EXPECT_EQ(contents(server.path("known_hosts")), "");
  EXPECT_EQ(server.logins(), 0u);
  run_the_advice(text);
  EXPECT_EQ(addprocs("ssh", server.options()).size(), 1u);
}

TEST_F(SshErrorsTest, AChangedHostKeyIsRefusedUntilItWasAccepted) {
  auto& server = serve();
  server.make_key("another");
  server.write_known_hosts("known_hosts", server.public_key("another"));
  const auto text = failure(server.options());
  EXPECT_THAT(text, HasSubstr("127.0.0.1: host key: "));
  EXPECT_THAT(text, HasSubstr("is not the one in " + server.path("known_hosts")));
  EXPECT_THAT(text, HasSubstr("SHA256:"));
  EXPECT_EQ(server.logins(), 0u);
  run_the_advice(text);
  EXPECT_EQ(addprocs("ssh", server.options()).size(), 1u);
}

TEST_F(SshErrorsTest, AHostKeyOfAnotherTypeIsRefused) {
  auto& server = serve();
  server.make_key("another", "ecdsa");
  server.write_known_hosts("known_hosts", server.public_key("another"));
  const auto text = failure(server.options());
  EXPECT_THAT(text, HasSubstr("127.0.0.1: host key: "));
  EXPECT_THAT(text, HasSubstr("of another type"));
  EXPECT_EQ(server.logins(), 0u);
}

TEST_F(SshErrorsTest, AWrongKeyIsNamed) {
  auto& server = serve();
  server.make_key("wrong");
  const auto text =
      failure(R"({"machines": ["127.0.0.1"], "port": )" + std::to_string(server.port()) + R"(, "identity": ")" +
              server.path("wrong") + R"(", "known_hosts": ")" + server.path("known_hosts") + R"("})");
  EXPECT_THAT(text, HasSubstr("127.0.0.1: auth: "));
  EXPECT_THAT(text, HasSubstr(server.path("wrong") + ": refused"));
  EXPECT_THAT(text, HasSubstr("authorized_keys"));
}

TEST_F(SshErrorsTest, AKeyThatIsMissingOrNoneIsNamed) {
  auto& server = serve();
  for (const std::string key : {"none", "config"}) {
    const auto text = failure(server.options(R"(["127.0.0.1 identity=)" + server.path(key) + R"("])"));
    EXPECT_THAT(text, HasSubstr(server.path(key)));
    EXPECT_THAT(text, HasSubstr("127.0.0.1: auth: "));
  }
}

TEST_F(SshErrorsTest, APassphraseIsAskedForOnATerminalOnly) {
  const FileDescriptor no_terminal(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(no_terminal.get(), STDIN_FILENO);
  ::unsetenv("SSH_AUTH_SOCK");
  auto& server = serve();
  server.make_key("locked", "ed25519", "secret");
  const auto text = failure(server.options(R"(["127.0.0.1 identity=)" + server.path("locked") + R"("])"));
  EXPECT_THAT(text, HasSubstr(server.path("locked") + " has a passphrase, and there is no terminal to ask for it"));
  EXPECT_THAT(text, HasSubstr("ssh-add"));
}

TEST_F(SshErrorsTest, ANameWithoutAddressIsNamed) {
  const auto text = failure(R"({"machines": ["no-such-host.invalid"]})", {}, 30s);  // the resolver's own
  EXPECT_THAT(text, HasSubstr("no-such-host.invalid: resolve: "));
}

TEST_F(SshErrorsTest, ARefusedPortIsNamed) {
  Listener listener;
  listener.close();
  const auto text = failure(R"({"machines": [")" + listener.machine() + R"("]})");
  EXPECT_THAT(text, HasSubstr(listener.machine() + ": connect: "));
  EXPECT_THAT(text, HasSubstr("Connection refused"));
}

TEST_F(SshErrorsTest, AServerThatSaysNothingIsGivenUp) {
  const Listener listener;
  const auto text =
      failure(R"({"connect_timeout": "300ms", "machines": [")" + listener.machine() + R"("]})", {}, 300ms);
  EXPECT_THAT(text, HasSubstr(listener.machine() + ": connect: "));
  EXPECT_THAT(text, HasSubstr("did not answer in time"));
}

TEST_F(SshErrorsTest, AServerThatClosesEachConnectionIsGivenUp) {
  const Listener listener;
  std::jthread closing([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd waiting{listener.socket(), POLLIN, 0};
      if (::poll(&waiting, 1, 100) > 0) FileDescriptor(::accept(listener.socket(), nullptr, nullptr)).reset();
    }
  });
  const auto text = failure(R"({"connect_timeout": "1s", "machines": [")" + listener.machine() + R"("]})", {}, 1s);
  EXPECT_THAT(text, HasSubstr(listener.machine() + ": connect: "));
  EXPECT_THAT(text, HasSubstr("MaxStartups"));
}

TEST_F(SshErrorsTest, AMissingProgramIsNamed) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("exename": "/no/such/program")"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: the program '/no/such/program' cannot be started"));
  EXPECT_THAT(text, HasSubstr("exename"));
}

TEST_F(SshErrorsTest, AProgramOfAnotherBuildIsToldWithBoth) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("exename": ")" COHORT_OTHER_PROGRAM "\""));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: the program '" COHORT_OTHER_PROGRAM "' is another build"));
  EXPECT_THAT(text, HasSubstr("it is build "));
  EXPECT_THAT(text, HasSubstr("its master is build "));
  EXPECT_THAT(text, HasSubstr("stage=if_missing"));
}

TEST_F(SshErrorsTest, AMissingDirectoryIsNamed) {
  auto& server = serve();
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("dir": "/no/such/directory")"));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: the directory '/no/such/directory' cannot be entered"));
}

TEST_F(SshErrorsTest, AProgramThatIsNoWorkerIsShownWithWhatItPrinted) {
  auto& server = serve();
  server.write("program", "#!/bin/sh\necho something; echo 'is wrong' >&2; exit 3\n", true);
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("exename": ")" + server.path("program") + '"'));
  EXPECT_THAT(text, HasSubstr("127.0.0.1: announce: the worker exited with code 3"));
  EXPECT_THAT(text, HasSubstr("something"));
  EXPECT_THAT(text, HasSubstr("is wrong"));
}

TEST_F(SshErrorsTest, AProgramThatSaysNothingIsGivenUpAndEnded) {
  auto& server = serve();
  server.write("program", "#!/bin/sh\necho $$ >" + server.path("pid") + "\nexec sleep 1000\n", true);
  AddprocsOptions how;
  how.timeouts.emplace().launch = 2s;  // the program is to be running by then
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("exename": ")" + server.path("program") + '"'), how,
                            how.timeouts->launch);
  EXPECT_THAT(text, HasSubstr("127.0.0.1: announce: "));
  int pid = 0;
  std::ifstream(server.path("pid")) >> pid;
  ASSERT_GT(pid, 0);
  EXPECT_TRUE(eventually([&] { return ::kill(pid, 0) != 0; }));
}

TEST_F(SshErrorsTest, ALoginThatRunsNothingIsShownWithWhatItSaid) {
  auto& server = serve("ForceCommand echo This account is currently not available.; exit 1");
  const auto text = failure(server.options());
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: the login shell exited with code 1"));
  EXPECT_THAT(text, HasSubstr("This account is currently not available."));
}

class SshMinimumTest : public SshErrorsTest {
 protected:
  std::vector<Pid> add(const std::optional<std::string>& minimum) {
    auto& server = serve();
    Listener gone;
    gone.close();
    AddprocsOptions how;
    how.min = minimum;
    return addprocs("ssh", server.options(R"(["127.0.0.[1-3]", ")" + gone.machine() + R"("])"), how);
  }
};

TEST_F(SshMinimumTest, WithoutAllTheLaunchFailsButTheOthersStay) {
  const auto text = thrown_within(0s, [&] { add(std::nullopt); });
  EXPECT_THAT(text, HasSubstr("Connection refused"));
  EXPECT_EQ(nworkers(), 3);
}

TEST_F(SshMinimumTest, WithEnoughTheLaunchOnlyWarns) {
  const CapturedStderr captured;
  EXPECT_EQ(add("50%").size(), 3u);
  EXPECT_TRUE(captured.has("3 of 4 workers")) << captured.text();
  EXPECT_TRUE(captured.has("Connection refused")) << captured.text();
}

TEST_F(SshMinimumTest, WithTooFewTheLaunchFailsAndNoneStays) {
  EXPECT_THAT(thrown_within(0s, [&] { add("4"); }), HasSubstr("Connection refused"));
  EXPECT_EQ(nprocs(), 1);
}

}  // namespace
}  // namespace cohort::test
