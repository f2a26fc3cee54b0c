// cohort completion: each script in the shell that it is for, where that is installed.

#include <gtest/gtest.h>

#include "tool.hpp"

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The tool itself runs it: `run` becomes the program.
ToolResult run(std::vector<std::string> command) {
  command.insert(command.begin(), {"run", "-p", "0", "--"});
  return cohort_tool(command);
}

bool is_installed(const std::string& shell) { return run({"sh", "-c", "command -v " + shell}).code == 0; }

TEST(Completion, ScriptsNameCommandsAndFlags) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    const auto script = cohort_tool({"completion", shell});
    EXPECT_EQ(script.code, 0);
    for (const std::string word : {"map", "config", "check", "topology", "svg", "keep-order"})
      EXPECT_TRUE(contains(script.out, word)) << shell << ": " << word;
  }
  EXPECT_EQ(cohort_tool({"completion", "tcsh"}).code, 2);
}

TEST(Completion, BashCompletesCommandsAndFlags) {
  const TemporaryDirectory directory;
  const auto script = directory.write("cohort.bash", cohort_tool({"completion", "bash"}).out);
  const std::string test = "set -eu; . " + script +
                           "; COMP_WORDS=(cohort config ch) COMP_CWORD=2; _cohort; echo \"${COMPREPLY[*]}\"; "
                           "COMP_WORDS=(cohort map --keep); _cohort; echo \"${COMPREPLY[*]}\"; "
                           "COMP_WORDS=(cohort plugin new m) COMP_CWORD=3; _cohort; echo \"${COMPREPLY[*]}\"";
  EXPECT_EQ(run({"bash", "-n", script}).code, 0);
  const auto completed = run({"bash", "-c", test});
  EXPECT_EQ(completed.out, "check\n--keep-order\nmanager\n") << completed.err;
}

TEST(Completion, FishCompletesCommandsAndFlags) {
  if (!is_installed("fish")) GTEST_SKIP() << "fish is not installed";
  const TemporaryDirectory directory;
  const auto script = directory.write("cohort.fish", cohort_tool({"completion", "fish"}).out);
  const auto completed = [&](const std::string& line) {
    return run({"env", "HOME=" + directory.path(), "fish", "--no-config", "-c",
                "source " + script + "; complete -C '" + line + "'"})
        .out;
  };
  EXPECT_TRUE(contains(completed("cohort config ch"), "check\tSay whether a cluster file is right"));
  EXPECT_EQ(completed("cohort map --keep"), "--keep-order\tPrint outputs in the order of the inputs\n");
  EXPECT_TRUE(contains(completed("cohort top"), "topology\t"));
}

// Types into a zsh on a terminal of another one.
constexpr auto typing = R"zsh(zmodload zsh/zpty
cd $2
zpty terminal zsh -f -i
zpty -w terminal "$1; print ready\$((1 + 1))"
zpty -r terminal shown '*ready2*'
zpty -w -n terminal $'cohort config ch\t'
zpty -r terminal shown '*cohort config ch*eck*'
zpty -w -n terminal $'\025cohort map --keep\t'
zpty -r terminal shown '*cohort map --keep*-order*'
print completed
)zsh";

TEST(Completion, ZshCompletesCommandsAndFlags) {
  if (!is_installed("zsh")) GTEST_SKIP() << "zsh is not installed";
  const TemporaryDirectory directory;
  directory.write("_cohort", cohort_tool({"completion", "zsh"}).out);
  const auto script = directory.write("typing.zsh", typing);
  const std::string compinit = "autoload -Uz compinit; compinit -u -d dump";
  for (const auto& set_up : {"fpath=($PWD $fpath); " + compinit, compinit + "; source ./_cohort"})
    EXPECT_EQ(run({"zsh", "-f", script, set_up, directory.path()}).out, "completed\n") << set_up;
}

}  // namespace
