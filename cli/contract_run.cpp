#include "contract_run.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include <cohort/child_process.hpp>
#include <cohort/error.hpp>

#include "config/units.hpp"
#include "orphans.hpp"
#include "output.hpp"

namespace cohort::cli {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Json = nlohmann::ordered_json;

constexpr auto list_limit = 30s;
constexpr auto reader_period = 200ms;  // between looks whether the results are still read
constexpr auto orphan_grace = 5s;      // workers end by themselves when their master is gone

// Beside the tool, in a build tree as in an installed one.
fs::path contract_program() {
  const fs::path path =
      (fs::read_symlink("/proc/self/exe").parent_path() / COHORT_CONTRACT_FROM_TOOL / "cohort-contract")
          .lexically_normal();
  if (!fs::exists(path))
    throw Error("the tests for plugins are not installed: there is no " + path.string() +
                " (cohort is built with them where GoogleTest is found)");
  return path;
}

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// For the files of one test, removed at the end.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string pattern = fs::temp_directory_path() / "cohort-test.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw Error("cannot make a directory " + pattern);
    path_ = pattern;
    fs::create_directory(tmp());
  }
  ~ScratchDirectory() {
    std::error_code error;
    do {
      fs::remove_all(path_, error);
    } while (error == std::errc::no_such_file_or_directory);  // a process that ends removed what is its own
  }
  ScratchDirectory(const ScratchDirectory&) = delete;

  fs::path result() const { return path_ / "result.json"; }
  fs::path output() const { return path_ / "output"; }
  fs::path tmp() const { return path_ / "t"; }  // short, as names of Unix sockets are limited

 private:
  fs::path path_;
};

void fail(TestResult& result, const std::string& message) {
  if (result.outcome != TestResult::Outcome::failed) result.messages.clear();
  result.outcome = TestResult::Outcome::failed;
  result.messages.push_back(message);
}

// What the test itself says; nothing if it did not come to its end.
void take_result(const fs::path& file, TestResult& result) {
  const Json said = Json::parse(text_of(file), nullptr, false);
  if (!said.is_object() || !said.contains("outcome") || !said.contains("messages"))
    return fail(result, "what it wrote of its outcome is cut off: is the disk of $TMPDIR full?");
  const std::string outcome = said.at("outcome");
  result.outcome = outcome == "passed"    ? TestResult::Outcome::passed
                   : outcome == "skipped" ? TestResult::Outcome::skipped
                                          : TestResult::Outcome::failed;
  result.messages = said.at("messages").get<std::vector<std::string>>();
}

bool has_option(const detail::Plugin& plugin, std::string_view name) {
  const auto options = plugin.options();
  return std::any_of(options.begin(), options.end(), [&](const Option& option) { return option.name == name; });
}

}  // namespace

ContractRun::ContractRun(const detail::Plugin& plugin, ContractSettings settings)
    : plugin_(plugin), settings_(std::move(settings)), program_(contract_program()) {
  plugin_.parse_options(settings_.options);  // says what is wrong with them
}

std::vector<std::string> ContractRun::command() const {
  std::vector<std::string> words = {program_, "--kind=" + std::string(detail::kind_name(plugin_.descriptor->kind)),
                                    "--plugin=" + settings_.plugin, "--options=" + settings_.options};
  if (!has_option(plugin_, "count")) words.emplace_back("--no-count");
  if (settings_.one_process) words.emplace_back("--one-process");
  if (!settings_.transport.empty()) words.push_back("--cohort-transport=" + settings_.transport);
  return words;
}

std::vector<std::string> ContractRun::tests() const {
  SpawnOptions spawn;
  spawn.command = command();
  spawn.command.emplace_back("--list");
  spawn.die_with_parent = true;
  auto child = ChildProcess::spawn(spawn);
  const auto status = child.wait_until(deadline_after(list_limit));  // the list fits into the pipe
  if (!status || !status->exited || status->code != 0)
    throw Error(program_.string() + " cannot list its tests: " + (status ? status->text() : "it does not end"));
  std::istringstream list(text_of("/proc/self/fd/" + std::to_string(child.out())));
  std::vector<std::string> names;
  for (std::string name; std::getline(list, name);) names.push_back(name);
  return names;
}

TestResult ContractRun::run(const std::string& test, const InterruptSignal& interrupt_signal) const {
  const ScratchDirectory directory;
  const Orphans orphans;
  SpawnOptions spawn;
  spawn.command = command();
  for (const auto& word :
       {"--test=" + test, "--result=" + directory.result().string(), "--output=" + directory.output().string()})
    spawn.command.push_back(word);
  spawn.env["TMPDIR"] = directory.tmp();
  spawn.capture = false;
  spawn.die_with_parent = true;

  TestResult result;
  result.name = test;
  const auto start = Clock::now();
  auto child = ChildProcess::spawn(spawn);
  const auto deadline = deadline_after(settings_.timeout);
  std::optional<ExitStatus> status;
  while (!status && Clock::now() < deadline && !reader_is_gone(STDOUT_FILENO) && !interrupt_signal.caught())
    status = child.wait_until(std::min(deadline, deadline_after(reader_period)));
  const bool late = !status;
  if (late) status = child.terminate(0s, 10s);
  result.took = Clock::now() - start;
  if (fs::exists(directory.result()))
    take_result(directory.result(), result);
  else if (!late)
    fail(result, "it did not come to its end: " + (status ? status->text() : "unknown"));
  if (late) fail(result, "it did not end within " + detail::format_duration(settings_.timeout));
  for (const auto& process : Orphans::end(orphan_grace))
    if (!late) fail(result, "left behind: " + process);
  for (const auto& entry : fs::recursive_directory_iterator(directory.tmp()))
    if (!late && !entry.is_directory())
      fail(result, "left behind: a file in $TMPDIR, " + entry.path().filename().string());
  result.output = text_of(directory.output());
  return result;
}

}  // namespace cohort::cli
