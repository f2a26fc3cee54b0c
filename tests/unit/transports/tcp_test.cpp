// The TCP transport as the core uses it: loaded as a plugin.

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/transport.hpp>

#include "../io/pipe_pair.hpp"
#include "message_of.hpp"
#include "plugin/loader.hpp"

namespace cohort::test {
namespace {

std::unique_ptr<Transport> tcp_or_beside(const std::string& options = "{}") {
  const auto& plugin = detail::PluginLoader::instance().load(PluginKind::transport, "tcp");
  return plugin.create_transport(plugin.parse_options(options));
}

std::unique_ptr<Transport> tcp(std::string options = "{}") {
  return tcp_or_beside(options.insert(1, std::string(R"("same_host": "tcp")") + (options == "{}" ? "" : ", ")));
}

IoPair accept_one(Listener& listener) {
  pollfd waiting{listener.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 30'000), 1);
  auto pair = listener.accept();
  EXPECT_TRUE(pair);
  return pair ? std::move(*pair) : IoPair{};
}

void send(Writer& writer, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  ASSERT_EQ(writer.write({&part, 1}), static_cast<ssize_t>(text.size()));
}

std::string receive(Reader& reader) {
  pollfd ready{reader.descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&ready, 1, 30'000), 1);
  char buffer[100];
  const ssize_t count = reader.read(std::as_writable_bytes(std::span(buffer)));
  return count < 0 ? "error " + std::to_string(-count) : std::string(buffer, static_cast<std::size_t>(count));
}

int option_of(const IoPair& pair, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(pair.reader->descriptor(), level, name, &value, &size);
  return value;
}

int port_of(const Listener& listener) {
  const std::string address = listener.address();
  return std::stoi(address.substr(address.rfind(':') + 1));
}

// A port that was free a moment ago.
int free_port(Transport& transport) { return port_of(*transport.listen("")); }

void expect_conversation(Transport& transport, Listener& listener, const std::string& address) {
  IoPair near = transport.connect(address, patience());
  IoPair far = accept_one(listener);
  send(*near.writer, "ping");
  EXPECT_EQ(receive(*far.reader), "ping");
  send(*far.writer, "pong");
  far.writer->close();
  EXPECT_EQ(receive(*near.reader), "pong");
  EXPECT_EQ(receive(*near.reader), "");
}

TEST(Tcp, ListensAtTheLoopbackAddressUnlessTold) {
  auto transport = tcp();
  auto listener = transport->listen("");
  EXPECT_TRUE(listener->address().starts_with("127.0.0.1:")) << listener->address();
  EXPECT_FALSE(listener->accept());
  expect_conversation(*transport, *listener, listener->address());
  expect_conversation(*transport, *listener, "localhost:" + std::to_string(port_of(*listener)));
}

TEST(Tcp, BothSidesGetTheSameOptions) {
  auto transport = tcp(R"({"user_timeout": "7s"})");
  auto listener = transport->listen("127.0.0.1");
  const IoPair near = transport->connect(listener->address(), patience());
  const IoPair far = accept_one(*listener);
  for (const IoPair* pair : {&near, &far}) {
    EXPECT_EQ(option_of(*pair, IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option_of(*pair, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
    EXPECT_EQ(option_of(*pair, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_TRUE(::fcntl(pair->reader->descriptor(), F_GETFL) & O_NONBLOCK);
    EXPECT_TRUE(::fcntl(pair->reader->descriptor(), F_GETFD) & FD_CLOEXEC);
  }
  EXPECT_TRUE(::fcntl(listener->descriptor(), F_GETFD) & FD_CLOEXEC);
}

int family_of(const IoPair& pair) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(pair.writer->descriptor(), reinterpret_cast<sockaddr*>(&address), &size);
  return address.ss_family;
}

TEST(Tcp, ProcessesOfOneHostAreConnectedByUnixSocketsIfBothCan) {
  auto beside = tcp_or_beside(R"({"same_host": "unix"})"), only_tcp = tcp();
  auto listener = beside->listen("");
  const IoPair near = beside->connect(listener->address(), patience());
  const IoPair far = accept_one(*listener);
  EXPECT_EQ(family_of(near), AF_UNIX);
  EXPECT_EQ(family_of(far), AF_UNIX);
  expect_conversation(*only_tcp, *listener, listener->address());
  auto plain_listener = only_tcp->listen("");
  const IoPair plain = beside->connect(plain_listener->address(), patience());
  EXPECT_EQ(family_of(plain), AF_INET);
}

bool is_pipe(const IoPair& pair) {
  struct stat info {};
  return ::fstat(pair.reader->descriptor(), &info) == 0 && S_ISFIFO(info.st_mode);
}

TEST(Tcp, ByDefaultTheyShareMemoryIfBothCan) {
  auto shares = tcp_or_beside(), by_socket = tcp_or_beside(R"({"same_host": "unix"})");
  auto listener = shares->listen("");
  auto near = std::async(std::launch::async, [&] { return shares->connect(listener->address(), patience()); });
  const IoPair far = accept_one(*listener);
  EXPECT_TRUE(is_pipe(far));
  EXPECT_TRUE(is_pipe(near.get()));
  const IoPair other = by_socket->connect(listener->address(), patience());
  EXPECT_EQ(family_of(other), AF_INET);
}

// Anybody can listen at an abstract name.
TEST(Tcp, AUnixSocketOfAnotherUserIsLeftAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  auto transport = tcp_or_beside();
  const auto port = port_of(*transport->listen(""));  // free again
  const std::string name = '\0' + std::string("cohort-shm-127.0.0.1:") + std::to_string(port);
  int ready[2], end[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  ASSERT_EQ(::pipe2(end, O_CLOEXEC), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    const bool listens =
        ::setuid(65534) == 0 &&
        ::bind(socket, reinterpret_cast<sockaddr*>(&address), offsetof(sockaddr_un, sun_path) + name.size()) == 0 &&
        ::listen(socket, 5) == 0;
    ::close(end[1]);
    char byte = listens ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    [[maybe_unused]] const ssize_t n = ::read(end[0], &byte, 1);
    ::_exit(0);
  }
  char listens = 0;
  ASSERT_EQ(::read(ready[0], &listens, 1), 1);
  EXPECT_EQ(listens, 'y');
  {
    auto listener = transport->listen("127.0.0.1:" + std::to_string(port));
    const IoPair near = transport->connect(listener->address(), patience());
    EXPECT_EQ(family_of(near), AF_INET);
    EXPECT_EQ(family_of(accept_one(*listener)), AF_INET);
  }
  for (const int descriptor : {ready[0], ready[1], end[0], end[1]}) ::close(descriptor);
  ASSERT_EQ(::waitpid(other, nullptr, 0), other);
}

TEST(Tcp, SpeaksIpv6) {
  auto transport = tcp();
  std::unique_ptr<Listener> listener;
  try {
    listener = transport->listen("::1");
  } catch (const Error& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  EXPECT_TRUE(listener->address().starts_with("[::1]:")) << listener->address();
  expect_conversation(*transport, *listener, listener->address());
  const std::string bind = "[::1]:" + std::to_string(free_port(*transport));
  EXPECT_EQ(transport->listen(bind)->address(), bind);
}

TEST(Tcp, AnnouncesAnAddressThatOthersCanDial) {
  auto transport = tcp();
  for (const char* everywhere : {"0.0.0.0", "::"}) {
    std::unique_ptr<Listener> listener;
    try {
      listener = transport->listen(everywhere);
    } catch (const Error&) {
      continue;  // no IPv6 here
    }
    const std::string address = listener->address();
    EXPECT_FALSE(address.starts_with("0.0.0.0") || address.starts_with("[::]")) << address;
    expect_conversation(*transport, *listener, address);
    expect_conversation(*transport, *listener, "127.0.0.1:" + std::to_string(port_of(*listener)));
  }
}

TEST(Tcp, TakesAPortOrTheFirstFreeOneOfARange) {
  auto transport = tcp();
  const auto taken = transport->listen("");
  const int port = port_of(*taken);
  const std::string bind = "127.0.0.1:" + std::to_string(port);
  EXPECT_EQ(message_of([&] { transport->listen(bind); }), "cannot listen at " + bind + ": Address already in use");
  if (port > 65515) GTEST_SKIP() << "no room for a range above port " << port;
  const std::string range = bind + "-" + std::to_string(port + 20);
  const auto next = transport->listen(range);
  EXPECT_GT(port_of(*next), port);
  EXPECT_LE(port_of(*next), port + 20);
}

TEST(Tcp, ListensOnAnInterfaceOrInANetwork) {
  for (const char* which : {"lo", "127.0.0.0/8", "127.0.0.1/32"}) {
    auto transport = tcp(R"({"interface": ")" + std::string(which) + "\"}");
    auto listener = transport->listen("");
    EXPECT_TRUE(listener->address().starts_with("127.0.0.1:")) << which << ": " << listener->address();
    expect_conversation(*transport, *listener, listener->address());
  }
  auto transport = tcp(R"({"interface": "198.51.100.0/24"})");
  const std::string error = message_of([&] { transport->listen(""); });
  EXPECT_TRUE(error.starts_with("interface '198.51.100.0/24': this host has no such address; it has: ")) << error;
  EXPECT_NE(error.find("lo 127.0.0.1"), std::string::npos) << error;
  EXPECT_NO_THROW(transport->listen("127.0.0.1")) << "an address that was told goes before";
  for (const char* bad : {"127.0.0.0/33", "127.0.0.0/", "/8", "x/8", "::/129"})
    EXPECT_THROW(tcp(R"({"interface": ")" + std::string(bad) + "\"}")->listen(""), ConfigError) << bad;
}

TEST(Tcp, ListensInAnIpv6Network) {
  auto transport = tcp(R"({"interface": "::1/128"})");
  std::unique_ptr<Listener> listener;
  try {
    listener = transport->listen("");
  } catch (const Error& error) {
    GTEST_SKIP() << "no IPv6 here: " << error.what();
  }
  EXPECT_TRUE(listener->address().starts_with("[::1]:")) << listener->address();
  expect_conversation(*transport, *listener, listener->address());
}

TEST(Tcp, AdvertisesAnotherHost) {
  auto transport = tcp(R"({"advertise": "localhost"})");
  auto listener = transport->listen("127.0.0.1");
  EXPECT_EQ(listener->address(), "localhost:" + std::to_string(port_of(*listener)));
  expect_conversation(*transport, *listener, listener->address());
  EXPECT_TRUE(tcp(R"({"advertise": "fd00::7"})")->listen("")->address().starts_with("[fd00::7]:"));
}

TEST(Tcp, RefusesABadBindAddress) {
  auto transport = tcp();
  for (const char* bind :
       {"127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", "127.0.0.1:20-10", "127.0.0.1:0-10", "[::1", "[::1]9"})
    EXPECT_THROW(transport->listen(bind), ConfigError) << bind;
  const std::string elsewhere = message_of([&] { transport->listen("192.0.2.77"); });
  EXPECT_TRUE(elsewhere.starts_with("cannot listen at 192.0.2.77: ")) << elsewhere;
}

TEST(Tcp, SaysWhyItCannotConnect) {
  auto transport = tcp();
  const std::string address = "127.0.0.1:" + std::to_string(free_port(*transport));
  EXPECT_EQ(message_of([&] { transport->connect(address, patience()); }),
            "cannot connect to " + address + ": Connection refused");
  for (const char* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:x", ":9000", "::1:9000", "[::1]"})
    EXPECT_EQ(
        message_of([&] { transport->connect(bad, patience()); }),
        std::string("cannot connect to ") + bad +
            ": the address must be host:port, or [host]:port for IPv6; does the process there use another transport?");
  const std::string unknown = message_of([&] { transport->connect("no-such-host.invalid:1", patience()); });
  EXPECT_TRUE(unknown.starts_with("cannot connect to no-such-host.invalid:1: host 'no-such-host.invalid': "))
      << unknown;
}

// A full backlog leaves further attempts unanswered.
TEST(Tcp, GivesUpAtTheDeadline) {
  auto transport = tcp(R"({"backlog": 1})");
  auto listener = transport->listen("");
  std::vector<IoPair> waiting;
  EXPECT_THROW(
      {
        for (int i = 0; i < 10; ++i) waiting.push_back(transport->connect(listener->address(), Clock::now() + 200ms));
      },
      TimeoutError);
}

TEST(Tcp, SurvivesThatNoDescriptorIsLeft) {
  auto transport = tcp();
  auto listener = transport->listen("");
  IoPair refused = transport->connect(listener->address(), patience());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  std::vector<FileDescriptor> fill;
  none.rlim_cur = static_cast<rlim_t>(std::max(listener->descriptor(), refused.reader->descriptor())) + 1;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  for (FileDescriptor next(::dup(0)); next; next.reset(::dup(0))) fill.push_back(std::move(next));
  EXPECT_FALSE(listener->accept());
  pollfd waiting{listener->descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0) << "its poller would be busy for ever";
  fill.clear();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(receive(*refused.reader), "");
  expect_conversation(*transport, *listener, listener->address());
}

}  // namespace
}  // namespace cohort::test
