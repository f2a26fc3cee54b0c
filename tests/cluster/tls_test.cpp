// TLS between worker processes: who is refused, what both sides are told, and that the workers go on.

#include <memory>
#include <string>

#include <cohort/plugin.hpp>

#include "../contract/certificates.hpp"
#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "own_manager.hpp"
#include "raw_peer.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::Certificates;

constexpr const char* not_tls = "it does not speak TLS 1.3; do both processes use the transport tls?";

class TlsTest : public ClusterTest {
 protected:
  /// A worker. @param options of the transport: without certificates the cookie is the key.
  void start(const std::string& options = "{}") {
    worker_ = addprocs(ClusterFile::parse(R"({"version": 1, "managers": [{"plugin": "local", "count": 1}],
                                             "transport": {"plugin": "tls", "options": )" +
                                              options + "}}",
                                          "test"))
                  .front();
    port_ = listening_port(worker_);
    captured_.emplace();
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  /// The worker says on its standard error that it refused somebody because of `why`, and works on.
  void expect_refused(const std::string& why) {
    const std::string line = "From worker " + std::to_string(worker_) +
                             ":\tcohort: accept failed: refused a connection at " + address() + ": " + why;
    EXPECT_TRUE(eventually([&] { return captured_->has(line); })) << line << "\nis not in:\n" << captured_->text();
    EXPECT_EQ(remotecall_fetch([](int x) { return x + 1; }, worker_, 41), 42);
  }

  /// What `stranger` is told when it dials the worker.
  std::string dial(Transport& stranger) {
    return thrown_by<Error>([&] { stranger.connect(address(), deadline_after(20s)); });
  }

  Pid worker_ = no_pid;
  int port_ = 0;
  std::optional<CapturedStderr> captured_;
};

TEST_F(TlsTest, AStrangerWithAnotherCookieIsRefused) {
  start();
  const auto stranger = load_transport("tls");
  const std::string key(32, 'x');
  stranger->set_secret(bytes_of(key));
  const std::string told = dial(*stranger);
  EXPECT_TRUE(contains(told, "cannot connect to " + address() + ": it refused this process: ")) << told;
  EXPECT_TRUE(contains(told, "are both processes of one cluster, with one cookie?")) << told;
  expect_refused("it has another key; are both processes of one cluster, with one cookie?");
}

TEST_F(TlsTest, AStrangerWithAnExpiredCertificateIsRefused) {
  const Certificates authority;
  authority.issue("good");
  authority.issue("expired", -3600);
  start(authority.options("good"));
  const std::string told = dial(*load_transport("tls", authority.options("expired")));
  EXPECT_TRUE(contains(told, "cannot connect to " + address() + ": it refused this process: certificate expired"))
      << told;
  expect_refused("its certificate is not accepted: certificate has expired");
}

TEST_F(TlsTest, AStrangerOfAnotherAuthorityIsRefused) {
  const Certificates authority, other;
  authority.issue("good");
  other.issue("theirs");
  start(authority.options("good"));
  const std::string told = dial(*load_transport("tls", other.options("theirs", authority)));
  EXPECT_TRUE(contains(told, "it refused this process: ")) << told;
  expect_refused("its certificate is not accepted: ");
}

TEST_F(TlsTest, GarbageIsRefused) {
  start();
  for (const std::string& garbage :
       {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(4096, '\0'), std::string(64, '\x16')}) {
    captured_.emplace();
    RawPeer peer(port_);
    peer.send(garbage);
    EXPECT_TRUE(peer.ends(8s)) << "only the deadline of the handshake ends it";
    expect_refused(not_tls);
  }
}

TEST_F(TlsTest, AProcessThatDoesNotEncryptIsRefused) {
  start();
  const std::string told =
      RawPeer(port_).shake_hands(Handshake::Role::dialer, identity_of(master_pid), cluster_cookie());
  EXPECT_TRUE(contains(told, "closed the connection before it greeted")) << told;
  EXPECT_TRUE(contains(told, "by the same transport")) << told;
  expect_refused(not_tls);
}

// The other way round: the master dials a worker that is not its own.

TEST_F(TlsTest, AWorkerWithAnotherCookieDoesNotJoin) {
  start();
  const auto manager =
      std::make_shared<OwnManager>(OwnManager::Settings{.program = {}, .cookie = "another cluster's cookie"});
  const std::string text = thrown_by<LaunchError>([&] { addprocs(manager); });
  EXPECT_TRUE(contains(text, "(step: connect; ")) << text;
  EXPECT_TRUE(contains(text, "are both processes of one cluster, with one cookie?")) << text;
  const std::string said = manager->error_output("\n");
  EXPECT_TRUE(contains(said, "it has another key; are both processes of one cluster, with one cookie?")) << said;
  EXPECT_EQ(workers(), std::vector<Pid>{worker_});
}

TEST_F(TlsTest, WithCertificatesTheCookiesMustAgreeAsWell) {
  const Certificates authority;
  authority.issue("good");
  start(authority.options("good"));
  const auto manager =
      std::make_shared<OwnManager>(OwnManager::Settings{.program = {}, .cookie = "another cluster's cookie"});
  const std::string text = thrown_by<LaunchError>([&] { addprocs(manager); });
  EXPECT_TRUE(contains(text, "the cookies differ: one of the two was started with another cookie")) << text;
  EXPECT_EQ(workers(), std::vector<Pid>{worker_});
}

TEST_F(TlsTest, AWorkerWithAnExpiredCertificateDoesNotJoin) {
  const Certificates authority;
  authority.issue("good");
  authority.issue("expired", -3600);
  start(authority.options("good"));
  AddprocsOptions options;
  options.exeflags = {"--cohort-transport-options=" + authority.options("expired")};
  const std::string text = thrown_by<LaunchError>([&] { addprocs(1, options); });
  EXPECT_TRUE(contains(text, "its certificate is not accepted: certificate has expired")) << text;
  EXPECT_EQ(workers(), std::vector<Pid>{worker_});
  EXPECT_EQ(addprocs(1).size(), 1u);
}

}  // namespace
}  // namespace cohort::test
