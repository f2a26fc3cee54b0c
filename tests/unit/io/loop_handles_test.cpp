#include "io/loop_handles.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

#include <gtest/gtest.h>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort::test {
namespace {

// Two ends of a connection over the loopback device: Unix sockets do not break in the same way.
struct TcpPair {
  TcpPair() {
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), any, size) != 0 || ::listen(listener.get(), 1) != 0) return;
    ::getsockname(listener.get(), any, &size);
    near.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(near.get(), any, size) == 0) far.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  FileDescriptor near, far;
};

// A peer that answers and closes its socket while something it has not read is there resets the connection. Whoever
// reads the answer only, as it comes in one piece, must hear again.
TEST(PollWatcher, TellsOfAnErrorAgainWhileItIsNotMet) {
  TcpPair sockets;
  ASSERT_TRUE(sockets.near && sockets.far);
  ASSERT_EQ(::write(sockets.near.get(), "question", 8), 8);
  pollfd arrived{sockets.far.get(), POLLIN, 0};
  ASSERT_EQ(::poll(&arrived, 1, 30'000), 1);
  ASSERT_EQ(::write(sockets.far.get(), "answer", 6), 6);
  sockets.far.reset();
  pollfd broken{sockets.near.get(), 0, 0};
  ASSERT_EQ(::poll(&broken, 1, 30'000), 1);
  ASSERT_NE(broken.revents & POLLERR, 0);

  Reactor reactor({});
  PollWatcher watcher;
  auto ended = std::make_shared<Completion>();
  std::atomic<ssize_t> received{0};
  reactor.post([&] {
    watcher.watch(reactor, sockets.near.get(), true, false, [&](bool, bool) {
      char buffer[64];
      const ssize_t n = ::recv(sockets.near.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (n > 0) {
        received += n;
        return;
      }
      watcher.stop();
      reactor.complete(ended);
    });
  });
  EXPECT_EQ(reactor.wait(*ended, deadline_after(std::chrono::seconds(30))), WaitResult::done);
}

TEST(PollWatcher, SaysThatADescriptorCannotBeWatched) {
  Reactor reactor({});
  const FileDescriptor file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  auto tried = std::make_shared<Completion>();
  std::atomic<bool> thrown{false};
  reactor.post([&] {
    PollWatcher watcher;
    try {
      watcher.watch(reactor, file.get(), true, false, [](bool, bool) {});
    } catch (const Error&) {
      thrown = true;
    }
    reactor.complete(tried);
  });
  reactor.wait(*tried);
  EXPECT_TRUE(thrown);
}

}  // namespace
}  // namespace cohort::test
