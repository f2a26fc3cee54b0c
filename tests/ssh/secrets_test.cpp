// Where the secret of the cluster goes when workers are started by ssh: to the worker's standard input, and nowhere
// else.

#include "../cluster/captured_stderr.hpp"
#include "ssh_test.hpp"

namespace cohort::test {
namespace {

class SshSecretsTest : public SshTest {};

// bash reads it before it does what it is told. As the login shell, it would read .bashrc; see also SshProfilesTest.
TEST_F(SshSecretsTest, AProfileThatReadsItsInputGetsNothing) {
  auto& server = serve();
  server.write("home/.bash_profile", "while read -t 0.3 -r line; do echo \"$line\" >>" + server.path("read") +
                                         "; done\necho ran >" + server.path("ran") + '\n');
  EXPECT_EQ(addprocs("ssh", server.options(R"(["127.0.0.1"])", R"("shell": "bash -l")")).size(), 1u);
  EXPECT_EQ(text_of_file(server.path("ran")), "ran\n");
  EXPECT_EQ(text_of_file(server.path("read")), "");
}

TEST_F(SshSecretsTest, AProfileThatWaitsForInputIsToldAndGetsNothing) {
  auto& server = serve();
  server.write("home/.bash_profile", "echo what now?; read -r line; echo \"$line\" >" + server.path("read") + '\n');
  AddprocsOptions how;
  how.timeouts.emplace().launch = 1s;
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("shell": "bash -l")"), how, 1s);
  EXPECT_THAT(text, HasSubstr("127.0.0.1: exec: no time was left; the shell 'bash -l' started nothing"));
  EXPECT_THAT(text, HasSubstr("what now?"));
  EXPECT_THAT(text, Not(HasSubstr(cluster_cookie())));
  // The shell goes on for a moment after the launch was given up, and reads the end of its input.
  EXPECT_TRUE(eventually([&] { return text_of_file(server.path("read")) == "\n"; }))
      << text_of_file(server.path("read"));
}

TEST_F(SshSecretsTest, AProgramThatPrintsWhatItReadsDoesNotPutItIntoTheMessage) {
  auto& server = serve();
  server.write("echo", "#!/bin/sh\nexec cat\n", true);
  const CapturedStderr captured;
  const auto text = failure(server.options(R"(["127.0.0.1"])", R"("exename": ")" + server.path("echo") + '"'));
  EXPECT_THAT(text, HasSubstr("(a line with the secret of the cluster)"));
  EXPECT_THAT(text, Not(HasSubstr(cluster_cookie())));
  EXPECT_THAT(captured.text(), Not(HasSubstr(cluster_cookie())));
}

// The program of the worker is a script that looks at all processes, as any user of the machine may.
TEST_F(SshSecretsTest, ItIsInNoCommandLineAndInNoEnvironment) {
  auto& server = serve();
  server.write("look",
               "#!/bin/sh\ncat /proc/[0-9]*/cmdline /proc/[0-9]*/environ >" + server.path("seen") +
                   " 2>/dev/null\nread -r line\necho \"$line\" >" + server.path("input") + "\nexit 3\n",
               true);
  EXPECT_THAT(failure(server.options(R"(["127.0.0.1"])", R"("exename": ")" + server.path("look") + '"')),
              HasSubstr("exited with code 3"));
  EXPECT_EQ(text_of_file(server.path("input")), cluster_cookie() + '\n');
  EXPECT_THAT(text_of_file(server.path("seen")), HasSubstr(server.path("look")));
  EXPECT_THAT(text_of_file(server.path("seen")), Not(HasSubstr(cluster_cookie())));
  EXPECT_THAT(server.log(), Not(HasSubstr(cluster_cookie())));
}

}  // namespace
}  // namespace cohort::test
