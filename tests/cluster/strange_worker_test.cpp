// Group D: workers that do not belong to this cluster are told so, and their master too.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>

#include "captured_stderr.hpp"
#include "cluster_test.hpp"
#include "own_manager.hpp"
#include "processes.hpp"
#include "raw_peer.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using StrangeWorkerTest = ClusterTest;

TEST_F(StrangeWorkerTest, OneWithAnotherCookieIsToldAndLivesOn) {
  auto manager = std::make_shared<OwnManager>(
      OwnManager::Settings{.program = {}, .cookie = "another cluster's cookie", .timeout = "60"});
  const auto text = thrown_by<LaunchError>([&] { addprocs(manager); });
  EXPECT_TRUE(contains(text, "the cookies differ: one of the two was started with another cookie")) << text;
  EXPECT_FALSE(contains(text, cluster_cookie()));
  const auto told = manager->error_output("\n");
  EXPECT_TRUE(contains(told, "the cookies differ: it has another cookie than this process")) << told;
  EXPECT_FALSE(contains(told, "another cluster's cookie\n"));
  EXPECT_EQ(RawPeer(manager->port()).shake_hands(Handshake::Role::dialer, identity_of(1), "another cluster's cookie"),
            "");
  EXPECT_EQ(nprocs(), 1);
}

TEST_F(StrangeWorkerTest, ADialerWithAnotherCookieIsToldAndTheWorkerSaysSo) {
  const CapturedStderr log;  // what a worker prints comes by its connection
  auto manager = std::make_shared<OwnManager>(OwnManager::Settings{});
  const Pid pid = addprocs(manager).front();
  const auto text =
      RawPeer(manager->port()).shake_hands(Handshake::Role::dialer, identity_of(9), cluster_cookie() + "?");
  EXPECT_TRUE(contains(text, "the cookies differ")) << text;
  EXPECT_TRUE(eventually([&] { return log.has("cookies differ"); })) << log.text();
  EXPECT_TRUE(log.has("Process(" + std::to_string(pid) + ") - Unknown remote, closing connection")) << log.text();
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_F(StrangeWorkerTest, OneOfAnotherBuildIsToldAndLivesOn) {
  auto manager = std::make_shared<OwnManager>(
      OwnManager::Settings{.program = COHORT_OTHER_PROGRAM, .cookie = {}, .timeout = "60"});
  const auto text = thrown_by<LaunchError>([&] { addprocs(manager); });
  EXPECT_TRUE(contains(text, "its executable is build ")) << text;
  EXPECT_TRUE(contains(text, executable_build_id().substr(0, 16))) << text;
  EXPECT_TRUE(contains(text, "both must run the same files")) << text;
  const auto told = manager->error_output("\n");
  EXPECT_TRUE(contains(told, "the peer's executable is build " + executable_build_id().substr(0, 16))) << told;
  EXPECT_FALSE(manager->child().poll().has_value());
}

TEST_F(StrangeWorkerTest, ByTheLocalManagerOneOfAnotherBuildIsALaunchErrorAndNothingStays) {
  AddprocsOptions options;
  options.exename = COHORT_OTHER_PROGRAM;
  const auto text = thrown_by<LaunchError>([&] { addprocs(1, options); });
  EXPECT_TRUE(contains(text, "step: announce")) << "before it listens: " << text;
  EXPECT_TRUE(contains(text, "its master is build " + executable_build_id() + '/' + library_build_id())) << text;
  EXPECT_TRUE(contains(text, "both must run the same files")) << text;
  EXPECT_TRUE(children().empty());
  EXPECT_EQ(addprocs(1), std::vector<Pid>{3});
}

TEST_F(StrangeWorkerTest, ADialerOfAnotherBuildIsToldAndTheWorkerSaysSo) {
  const CapturedStderr log;  // what a worker prints comes by its connection
  auto manager = std::make_shared<OwnManager>(OwnManager::Settings{});
  const Pid pid = addprocs(manager).front();
  auto identity = identity_of(9);
  identity.library_build = "0123abcd";
  const auto text = RawPeer(manager->port()).shake_hands(Handshake::Role::dialer, identity, cluster_cookie());
  EXPECT_TRUE(contains(text, "both must run the same files")) << text;
  EXPECT_TRUE(eventually([&] { return log.has("0123abcd"); })) << log.text();
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

TEST_F(StrangeWorkerTest, ADialerWithAnotherProtocolIsToldAndTheWorkerSaysSo) {
  const CapturedStderr log;  // what a worker prints comes by its connection
  auto manager = std::make_shared<OwnManager>(OwnManager::Settings{});
  const Pid pid = addprocs(manager).front();
  auto identity = identity_of(9);
  identity.version = 77;
  const auto text = RawPeer(manager->port()).shake_hands(Handshake::Role::dialer, identity, cluster_cookie());
  EXPECT_TRUE(contains(text, "it speaks protocol 3, this process 77")) << text;
  EXPECT_TRUE(eventually([&] { return log.has("the peer speaks protocol 77, this process 3"); })) << log.text();
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
}

// A worker that is none: one connection is answered by a handshake of another version.
class OtherProtocol final : public ClusterManager {
 public:
  void launch(const LaunchParams& params, LaunchQueue& launched) override {
    FileDescriptor listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* where = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    ASSERT_EQ(bind(listener.get(), where, size), 0);
    ASSERT_EQ(listen(listener.get(), 1), 0);
    getsockname(listener.get(), where, &size);
    answer_ =
        std::jthread([this, cookie = params.cookie, shared = std::make_shared<FileDescriptor>(std::move(listener))] {
          RawPeer peer(FileDescriptor(accept4(shared->get(), nullptr, nullptr, SOCK_CLOEXEC)));
          auto identity = identity_of(no_pid);
          identity.version = 77;
          told_ = peer.shake_hands(Handshake::Role::acceptor, identity, cookie);
        });
    WorkerConfig config;
    config.host = "127.0.0.1";
    config.port = ntohs(address.sin_port);
    launched.push(std::move(config));
  }
  void manage(Pid, WorkerConfig&, ManageOp) override {}
  std::string told() {
    answer_.join();
    return told_;
  }

 private:
  std::string told_;
  std::jthread answer_;
};

TEST_F(StrangeWorkerTest, AWorkerWithAnotherProtocolIsALaunchErrorThatNamesBoth) {
  auto manager = std::make_shared<OtherProtocol>();
  const auto text = thrown_by<LaunchError>([&] { addprocs(manager); });
  EXPECT_TRUE(contains(text, "it speaks protocol 77, this process 3")) << text;
  EXPECT_TRUE(contains(manager->told(), "the peer speaks protocol 3, this process 77"));
}

TEST_F(StrangeWorkerTest, AWorkerThatNoMasterJoinsSaysSoAndLeaves) {
  struct Nobody final : LaunchQueue {
    void push(WorkerConfig) override {}
    void fail(std::string, int) override {}
  } nobody;
  OwnManager manager({.program = {}, .cookie = "a cookie of its own", .timeout = "0.5"});
  LaunchParams params;
  params.exename = "/proc/self/exe";
  params.exeflags = {"--cohort-worker"};
  manager.launch(params, nobody);
  RawPeer peer(manager.port());
  EXPECT_EQ(peer.shake_hands(Handshake::Role::dialer, identity_of(9), "a cookie of its own"),
            "");  // a peer is no master
  const auto said = manager.error_output("exiting.");
  EXPECT_TRUE(contains(said, "Master process (id 1) could not connect within 0.5 s")) << said;
  const auto status = manager.child().wait_until(deadline_after(std::chrono::seconds(20)));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->text(), "exited with code 1");
}

TEST(WorkerProcess, WithoutACookieDoesNotServe) {
  SpawnOptions spawn;
  spawn.command = {"/proc/self/exe", "--cohort-worker"};
  auto child = ChildProcess::spawn(spawn);
  const auto status = child.wait_until(deadline_after(std::chrono::seconds(20)));
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->text(), "exited with code 1");
  char text[256];
  const ssize_t n = read(child.err(), text, sizeof text);
  EXPECT_TRUE(contains(std::string(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0))), "no cookie came"));
}

TEST_F(StrangeWorkerTest, AnyOneLineCookieWorks) {
  for (const std::string& cookie :
       {std::string("of 16 bytes only"), std::string("with blanks and \t\xc3\xa4"), std::string(4096, 'l')}) {
    cluster_cookie(cookie);
    EXPECT_EQ(cluster_cookie(), cookie);
    const Pid pid = addprocs(1).front();
    EXPECT_EQ(remotecall_fetch([] { return myid(); }, pid), pid);
    EXPECT_THROW(cluster_cookie("too late for another"), Error);
    rmprocs(pid);
  }
}

TEST_F(StrangeWorkerTest, ACookieThatAWorkerWouldNotTakeIsRefusedAtOnce) {
  const std::string before = cluster_cookie();
  for (const std::string& cookie : {std::string(), std::string("15 bytes, short"), std::string(4097, 'l'),
                                    std::string("two lines\nthat are long"), std::string("a zero byte in it \0", 19)}) {
    const std::string text = thrown_by<ConfigError>([&] { cluster_cookie(cookie); });
    EXPECT_TRUE(contains(text, "the cookie ")) << text;
    EXPECT_TRUE(cookie.empty() || !contains(text, cookie)) << text;
  }
  EXPECT_EQ(cluster_cookie(), before);
  for (const auto& [cookie, why] : {std::pair(std::string(), "must have 16 to 4096 bytes, and has 0"),
                                    std::pair(std::string(5000, 'l'), "must have 16 to 4096 bytes, and has more")}) {
    SpawnOptions spawn;
    spawn.command = {"/proc/self/exe", "--cohort-worker"};
    spawn.input = cookie + '\n';
    auto child = ChildProcess::spawn(spawn);
    std::string said;
    char text[1024];
    for (ssize_t n; (n = read(child.err(), text, sizeof text)) > 0;) said.append(text, static_cast<std::size_t>(n));
    EXPECT_TRUE(contains(said, std::string("the cookie on standard input ") + why)) << said;
    EXPECT_EQ(child.wait_until(deadline_after(std::chrono::seconds(20)))->text(), "exited with code 1");
  }
}

}  // namespace
}  // namespace cohort::test
