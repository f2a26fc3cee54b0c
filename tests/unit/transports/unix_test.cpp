// The transport over Unix sockets: its files, and who may connect. What all transports do is in tests/contract.

#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <cohort/error.hpp>
#include <cohort/transport.hpp>

#include "../io/pipe_pair.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class UnixTest : public testing::Test {
 protected:
  UnixTest() {
    std::string name = fs::temp_directory_path() / "cohort-unix-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    parent_ = name;
    directory_ = parent_ / "sockets";
  }
  ~UnixTest() override { fs::remove_all(parent_); }

  std::unique_ptr<Transport> in(const fs::path& directory) const {
    return load_transport("unix", R"({"dir": ")" + directory.string() + "\"}");
  }

  static std::string message_of(const std::function<void()>& body) {
    try {
      body();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  // Runs `body` in a process of its own. @return its exit code.
  static int in_child(const std::function<int()>& body) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(body());
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  fs::path parent_;
  fs::path directory_;
};

TEST_F(UnixTest, NobodyElseMayEnterTheDirectory) {
  auto transport = in(directory_);
  auto listener = transport->listen("");
  EXPECT_TRUE(listener->address().starts_with("unix:" + directory_.string() + "/")) << listener->address();
  EXPECT_EQ(fs::status(directory_).permissions(), fs::perms::owner_all);
  listener.reset();
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(UnixTest, ADirectoryThatOthersMayEnterIsRefused) {
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::perms(0755));
  const std::string error = message_of([&] { in(directory_)->listen(""); });
  EXPECT_NE(error.find("others may enter it; run: chmod 700 " + directory_.string()), std::string::npos) << error;
  EXPECT_TRUE(fs::remove(directory_));  // it is not cohort's to remove
  fs::create_directory(parent_ / "elsewhere");
  fs::create_directory_symlink(parent_ / "elsewhere", directory_);
  EXPECT_NE(message_of([&] { in(directory_)->listen(""); }).find("is not a directory"), std::string::npos);
}

TEST_F(UnixTest, WhatAKilledProcessLeftIsRemovedAndTheLivingKeepTheirs) {
  auto transport = in(directory_);
  const auto living = transport->listen("");
  ASSERT_EQ(in_child([&] { return in(directory_)->listen("").release() == nullptr; }), 0);
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 4);
  const auto next = transport->listen("");
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), {}), 4);  // those of the living and of the next
  EXPECT_NO_THROW(transport->connect(living->address(), patience()));
  EXPECT_NO_THROW(transport->connect(next->address(), patience()));
}

TEST_F(UnixTest, FilesOfOthersInTheDirectoryStay) {
  fs::create_directory(directory_);
  fs::permissions(directory_, fs::perms::owner_all);
  const auto theirs = {"Cargo",           "Cargo.lock", "0123456789abcdef0", "0123456789abcdef0.lock",
                       "012345678G.lock", ".lock"};
  for (const char* name : theirs) std::ofstream(directory_ / name) << "theirs";
  { const auto listener = in(directory_)->listen(""); }
  for (const char* name : theirs) EXPECT_TRUE(fs::exists(directory_ / name)) << name;
}

TEST_F(UnixTest, TheLastOneRemovesWhatTheKilledLeft) {
  auto transport = in(directory_);
  ASSERT_EQ(in_child([&] { return transport->listen("").release() == nullptr; }), 0);
  EXPECT_TRUE(fs::exists(directory_));
  transport.reset();
  EXPECT_FALSE(fs::exists(directory_));
}

TEST_F(UnixTest, ProcessesOfAnotherUserAreRefusedAndRefuse) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  auto transport = load_transport("unix", R"({"abstract": true})");
  const auto listener = transport->listen("");
  // The other user's process sees that the listener is not its own.
  EXPECT_EQ(in_child([&] {
              if (::setresuid(65534, 65534, 65534) != 0) return 2;
              const std::string error = message_of([&] { transport->connect(listener->address(), patience()); });
              return error.find("belongs to user 0, not to 65534") == std::string::npos ? 1 : 0;
            }),
            0);
  pollfd waiting{listener->descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&waiting, 1, 30'000), 1);
  const std::string error = message_of([&] { listener->accept(); });
  EXPECT_NE(error.find("belongs to user 65534, not to 0"), std::string::npos) << error;
  EXPECT_FALSE(listener->accept());
}

TEST_F(UnixTest, NamesThatAreTooLongAreNamed) {
  const std::string error = message_of([&] { in(parent_ / std::string(100, 'x'))->listen(""); });
  EXPECT_NE(error.find("names of Unix sockets have at most 107 bytes"), std::string::npos) << error;
  EXPECT_THROW(in(parent_)->listen("127.0.0.1"), ConfigError);
  EXPECT_THROW(in("relative"), ConfigError);
}

}  // namespace
}  // namespace cohort::test
