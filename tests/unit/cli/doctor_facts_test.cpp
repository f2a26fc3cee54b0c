// What cohort doctor asks hosts; this host answers.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "doctor/host_facts.hpp"

namespace cohort::doctor {
namespace {

std::string output_of(const std::string& script) {
  ChildProcess shell = ChildProcess::spawn({.command = {"/bin/sh", "-c", script}});
  std::string output;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(shell.out(), buffer, sizeof buffer)) > 0;)
    output.append(buffer, static_cast<std::size_t>(n));
  shell.wait_until(Clock::time_point::max());
  return output;
}

HostFacts facts_of(const Questions& questions, const std::string& noise = "") {
  const auto facts = parse_facts(noise + output_of(facts_script(questions, "mark")), "mark");
  EXPECT_TRUE(facts.has_value());
  return facts.value_or(HostFacts{});
}

TEST(DoctorFacts, AHostTellsItsClockMemoryAndLimits) {
  const HostFacts facts = facts_of({});
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  ASSERT_TRUE(facts.clock.has_value());
  EXPECT_NEAR(facts.clock->count(), now.count(), 60);
  std::error_code error;
  EXPECT_EQ(facts.shared_memory.has_value(), std::filesystem::exists("/dev/shm", error));
  EXPECT_EQ(facts.open_files, static_cast<std::uint64_t>(::sysconf(_SC_OPEN_MAX)));
  EXPECT_TRUE(facts.processes.has_value());
  EXPECT_EQ(facts.program, HostFacts::Program::not_asked);
  EXPECT_FALSE(facts.port_in_use);
  EXPECT_EQ(facts.noise, "");
}

TEST(DoctorFacts, WhatComesBeforeTheAnswersIsNoise) {
  EXPECT_EQ(facts_of({}, "port used\nmark?").noise, "port used\nmark?");
  EXPECT_FALSE(facts_of({}, "port used\n").port_in_use);
  EXPECT_FALSE(parse_facts("sh: not found\n", "mark").has_value());
}

TEST(DoctorFacts, TheProgramIsLookedAt) {
  const HostFacts there = facts_of({.program = std::filesystem::read_symlink("/proc/self/exe")});
  EXPECT_EQ(there.program, HostFacts::Program::there);
  ASSERT_EQ(there.program_head.size(), 4096);
  EXPECT_EQ(there.program_head[1], std::byte{'E'});  // 7f ELF
  EXPECT_EQ(facts_of({.program = "/no/such program; it's gone"}).program, HostFacts::Program::missing);
  EXPECT_EQ(facts_of({.program = "/etc/passwd"}).program, HostFacts::Program::not_executable);
}

TEST(DoctorFacts, TheDirectoryIsLookedAt) {
  EXPECT_FALSE(facts_of({.dir = "/etc"}).dir_is_missing);
  EXPECT_TRUE(facts_of({.dir = "/no/such directory"}).dir_is_missing);
}

TEST(DoctorFacts, APortThatSomethingListensAtIsInUse) {
  const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  EXPECT_FALSE(facts_of({.port = ntohs(address.sin_port)}).port_in_use);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  EXPECT_TRUE(facts_of({.port = ntohs(address.sin_port)}).port_in_use);
}

}  // namespace
}  // namespace cohort::doctor
