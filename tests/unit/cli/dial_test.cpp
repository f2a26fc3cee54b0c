// Which addresses of a master a node can reach.

#include "batch_jobs/dial.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

namespace cohort::cli {
namespace {

/// A port of the loopback address at which nobody listens, or nobody takes any more connections.
struct UsedPort {
  explicit UsedPort(bool listens) : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    if (!listens) return;
    EXPECT_EQ(::listen(socket.get(), 0), 0);
    for (auto& one : waiting) {
      one.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      ::connect(one.get(), reinterpret_cast<sockaddr*>(&address), size);
    }
  }

  FileDescriptor socket;
  FileDescriptor waiting[3];
  std::string text;
};

TEST(Dial, SaysOfEachAddressWhyItIsNotReached) {
  const DialTarget target("127.0.0.1");
  ASSERT_EQ(target.addresses().size(), 1u);
  const UsedPort closed(false), full(true);
  const auto start = Clock::now();
  const auto report =
      dial_all({target.addresses()[0], closed.text, full.text, "127.0.0.1:none", "node.invalid:1"}, 0.3);
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(20));
  ASSERT_EQ(report.failures.size(), 5u);
  EXPECT_EQ(report.failures[0], "");
  EXPECT_EQ(report.failures[1], "Connection refused");
  EXPECT_EQ(report.failures[2], "no answer");
  EXPECT_NE(report.failures[3], "");
  EXPECT_NE(report.failures[4], "");
  EXPECT_NE(report.host, "");
}

TEST(Dial, KnowsByWhichAddressThisProcessCame) {
  const DialTarget target("127.0.0.1");
  const auto address = target.addresses()[0];
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  there.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  const FileDescriptor connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(connection.get(), reinterpret_cast<sockaddr*>(&there), sizeof there), 0);
  EXPECT_EQ(dial_all({"192.0.2.1:1", address}, 0.1).came_by, "127.0.0.1");
}

// What the master would announce.
TEST(Dial, TheTargetIsWhereTheMasterWouldListen) {
  const DialTarget everywhere("");
  for (const auto& address : everywhere.addresses()) {
    EXPECT_FALSE(address.starts_with("127.")) << address;
    EXPECT_FALSE(address.starts_with("0.0.0.0")) << address;
  }
  EXPECT_EQ(DialTarget("10.2.0.1:9500").addresses(), std::vector<std::string>{"10.2.0.1:9500"});
  EXPECT_THROW(DialTarget("203.0.113.1"), Error) << "no address of this host";
}

}  // namespace
}  // namespace cohort::cli
