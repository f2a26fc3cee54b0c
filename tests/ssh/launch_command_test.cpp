#include "launch_command.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include <cohort/child_process.hpp>
#include <cohort/error.hpp>

#include "../cluster/processes.hpp"

namespace cohort_ssh {
namespace {

struct Printed {
  std::string out, err;
  int code = -1;
};

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(descriptor, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

// As sshd does it: a login shell, the command, the input.
Printed run_by(const std::string& shell, const RemoteProgram& program, const std::string& input = "") {
  cohort::SpawnOptions spawn;
  spawn.command = {shell, "-c", launch_command(program.shell, "READY")};
  spawn.input = launch_script(program, "MARK") + input;
  spawn.env["SSH_CONNECTION"] = "192.0.2.1 40000 192.0.2.7 22";
  const cohort::test::TemporaryDirectory home;  // fish puts things there
  spawn.env["HOME"] = home.path("");
  auto process = cohort::ChildProcess::spawn(spawn);
  Printed printed;
  printed.out = read_all(process.out());
  printed.err = read_all(process.err());
  if (const auto status = process.wait_until(cohort::deadline_after(std::chrono::seconds(60))))
    printed.code = status->code;
  return printed;
}

class LaunchCommand : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (::access(GetParam(), X_OK) != 0) GTEST_SKIP() << "there is no " << GetParam();
  }
};

const std::string nasty = "a 'b' \"c\" $HOME `id` \\ ! !! * ~ # ; & | < >\nsecond line\n";

TEST_P(LaunchCommand, HandsArgumentsAndVariablesOnAsTheyAre) {
  const RemoteProgram program{
      .program = "/usr/bin/printf", .arguments = {"[%s]", nasty, "", "-n", "end"}, .env = {}, .dir = "/"};
  const Printed printed = run_by(GetParam(), program);
  EXPECT_NE(printed.out.find("[" + nasty + "][][-n][end]"), std::string::npos) << printed.out << printed.err;
  const Printed variables = run_by(GetParam(), {.program = "/bin/sh",
                                                .arguments = {"-c", "printf '[%s][%s]' \"$NASTY\" \"${GONE-gone}\""},
                                                .env = {{"NASTY", nasty}, {"GONE", std::nullopt}}});
  EXPECT_NE(variables.out.find("[" + nasty + "][gone]"), std::string::npos) << variables.out << variables.err;
}

TEST_P(LaunchCommand, TellsItsProcessAndLeavesTheRestOfTheInput) {
  const Printed printed =
      run_by(GetParam(), {.program = "/bin/sh", .arguments = {"-c", "echo $$; cat"}, .dir = "/"}, "the cookie\n");
  std::istringstream lines(printed.out);
  std::string empty, ready, mark, pid, rest;
  std::getline(lines, empty);
  std::getline(lines, ready);
  EXPECT_EQ(ready, "READY");
  std::getline(lines, empty);
  std::getline(lines, mark);
  std::getline(lines, pid);
  std::getline(lines, rest);
  EXPECT_EQ(empty, "");
  const auto launched = parse_launched(mark, "MARK");
  ASSERT_TRUE(launched) << printed.out << printed.err;
  EXPECT_EQ(std::to_string(launched->pid), pid);
  EXPECT_EQ(launched->address, "192.0.2.7");
  EXPECT_EQ(rest, "the cookie");
}

TEST_P(LaunchCommand, BindsToTheAddressThatSshCameInBy) {
  const Printed printed =
      run_by(GetParam(), {.program = "/bin/echo", .arguments = {"with"}, .dir = "/", .bind_to_server = true});
  EXPECT_NE(printed.out.find("with --bind-to=192.0.2.7\n"), std::string::npos) << printed.out;
}

TEST_P(LaunchCommand, SaysThatADirectoryOrAProgramIsMissing) {
  EXPECT_EQ(run_by(GetParam(), {.program = "/bin/true", .dir = "/no/such"}).code, no_directory);
  EXPECT_EQ(run_by(GetParam(), {.program = "/bin/true", .usual_dir = "/no/such"}).code, 0);
  EXPECT_EQ(run_by(GetParam(), {.program = "/no/such", .dir = "/"}).code, 127);
  EXPECT_EQ(run_by(GetParam(), {.program = "/etc/passwd", .dir = "/"}).code, 126);
}

TEST_P(LaunchCommand, MayNameAShellWithArguments) {
  for (const char* reader : {"bash", "/bin/bash --norc -e", "dash"}) {
    const Printed printed =
        run_by(GetParam(),
               {.shell = reader, .program = "/usr/bin/printf", .arguments = {"[%s]", nasty}, .env = {}, .dir = "/"});
    EXPECT_NE(printed.out.find("[" + nasty + "]"), std::string::npos) << printed.out << printed.err;
  }
}

TEST_P(LaunchCommand, SaysThatAShellIsMissing) {
  const Printed printed = run_by(GetParam(), {.shell = "no-such-shell -l", .program = "/bin/true"});
  EXPECT_NE(printed.code, 0);
  EXPECT_NE(printed.err.find("no-such-shell"), std::string::npos) << printed.err;
  EXPECT_EQ(printed.out, "") << "nor does it ask for input";
}

TEST_P(LaunchCommand, ATildeIsTheHomeDirectoryWhateverEnvSays) {
  const Printed printed = run_by(GetParam(), {.program = "/bin/pwd", .env = {{"HOME", "/"}}, .dir = "~"});
  EXPECT_NE(printed.out.find("/co."), std::string::npos) << printed.out << printed.err;
  EXPECT_EQ(run_by(GetParam(), {.program = "/bin/true", .dir = "~/no/such"}).code, no_directory);
  EXPECT_EQ(run_by(GetParam(), {.program = "~/no/such", .dir = "/"}).code, 127);
}

INSTANTIATE_TEST_SUITE_P(Shells, LaunchCommand,
                         testing::Values("/bin/sh", "/bin/bash", "/bin/csh", "/bin/tcsh", "/bin/zsh", "/usr/bin/fish"),
                         [](const auto& shell) {
                           return std::string(shell.param).substr(std::string(shell.param).rfind('/') + 1);
                         });

TEST(LaunchScript, IsReadByOtherShells) {
  for (const std::string reader : {"bash", "bash -l", "dash", "ksh", "mksh", "zsh", "busybox sh"}) {
    const RemoteProgram program{.shell = reader,
                                .program = "/usr/bin/printf",
                                .arguments = {"[%s]", nasty},
                                .env = {{"HOME", "/no/such"}},
                                .dir = "/",
                                .bind_to_server = true};
    const Printed printed = run_by("/bin/sh", program);
    if (printed.code == 127) continue;  // this host has none
    EXPECT_NE(printed.out.find("MARK "), std::string::npos) << reader << printed.out << printed.err;
    EXPECT_NE(printed.out.find(" 192.0.2.7\n"), std::string::npos) << reader << printed.out << printed.err;
    EXPECT_NE(printed.out.find("[" + nasty + "][--bind-to=192.0.2.7]"), std::string::npos) << reader << printed.out;
  }
}

TEST(LaunchScript, RefusesNamesThatAreNoVariables) {
  for (const char* name : {"", "A B", "1A", "A=B", "A;id"})
    EXPECT_THROW(launch_script({.program = "x", .env = {{name, "value"}}}, "MARK"), cohort::ConfigError) << name;
}

TEST(LaunchScript, IsOneLine) {
  const std::string script =
      launch_script({.program = nasty, .arguments = {nasty}, .env = {{"A", nasty}}, .dir = nasty}, "M");
  EXPECT_EQ(script.find('\n'), script.size() - 1);
}

TEST(ParseLaunched, TakesNothingElse) {
  EXPECT_FALSE(parse_launched("hello", "MARK"));
  EXPECT_FALSE(parse_launched("MARK", "MARK"));
  EXPECT_FALSE(parse_launched("MARK 1 a", "MARK"));
  EXPECT_FALSE(parse_launched("MARK x", "MARK"));
  EXPECT_EQ(parse_launched("MARK 77 ", "MARK")->address, "");
}

}  // namespace
}  // namespace cohort_ssh
