#include <cohort/batch/job_script.hpp>

#include <gtest/gtest.h>

#include <cohort/batch/command.hpp>
#include <cohort/error.hpp>

namespace cohort::batch {
namespace {

TEST(JobScript, TakesItsValues) {
  EXPECT_EQ(fill_in("#SBATCH -n {n}\nexec {command} ${{x}\n", {{"n", "4"}, {"command", "a b"}}),
            "#SBATCH -n 4\nexec a b ${x}\n");
}

TEST(JobScript, HasNoLineForWhatIsNotSet) {
  EXPECT_EQ(fill_in("a\n#SBATCH -p {p}\nb", {{"p", std::nullopt}}), "a\nb\n");
}

TEST(JobScript, ANameThatIsNoneIsRefusedWithThoseThereAre) {
  for (const char* text : {"x {nmae}\n", "x {name\n", "{"}) {
    try {
      fill_in(text, {{"name", "x"}, {"other", "y"}});
      ADD_FAILURE() << text;
    } catch (const cohort::ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("{name}, {other}"), std::string::npos) << error.what();
    }
  }
}

TEST(JobScript, AValueCannotBeginALineOfItsOwn) {
  EXPECT_THROW(fill_in("#SBATCH -p {p}\n", {{"p", "all\n#SBATCH --uid=0"}}), cohort::ConfigError);
}

TEST(JobScript, ShellsReadWordsAsTheyWere) {
  const std::vector<std::string> words{"printf", "<%s>", "", "a b", "it's", "$HOME `x` \"\\", "two\nlines", "--x=1"};
  EXPECT_EQ(run({.words = {"sh", "-c", shell_words(words)}}), "<><a b><it's><$HOME `x` \"\\><two\nlines><--x=1>");
}

TEST(JobScript, ChangesTheEnvironment) {
  const auto lines = shell_environment({{"ONE", "a 'b'"}, {"HOME", std::nullopt}});
  EXPECT_EQ(run({.words = {"sh", "-c", lines + "echo \"$ONE ${HOME-none}\""}}), "a 'b' none\n");
  EXPECT_THROW(shell_environment({{"A B", "x"}}), cohort::ConfigError);
}

}  // namespace
}  // namespace cohort::batch
