#include "secret_search.hpp"

#include <chrono>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {

using namespace std::chrono_literals;
using contract::eventually;
namespace fs = std::filesystem;

namespace {

bool is_join_file(const fs::path& path) { return path.filename().string().starts_with("join-"); }

bool is_private(const fs::path& path) {
  std::error_code none;
  const auto others = fs::perms::group_all | fs::perms::others_all;
  return (fs::status(path, none).permissions() & others) == fs::perms::none;
}

}  // namespace

void SecretSearch::add(const std::string& secret) {
  EXPECT_GE(secret.size(), 16u) << "this is no secret";
  if (secret.size() >= 16) secrets_.push_back(secret);
}

void SecretSearch::add(const JoinFile& file) {
  EXPECT_EQ(file.cookie, "") << "workers have tokens";
  for (const auto& token : file.tokens) add(token.secret);
  const char* digits = "0123456789abcdef";
  std::string key;
  for (const std::byte byte : file.transport_key)
    key += {digits[std::to_integer<int>(byte) / 16], digits[std::to_integer<int>(byte) % 16]};
  add(key);
}

void SecretSearch::add_join_files(const fs::path& files) {
  for (const auto& entry : fs::recursive_directory_iterator(files))
    if (is_join_file(entry.path()) && entry.path().extension() == ".json") add(JoinFile::read(entry.path()));
}

void SecretSearch::look_at(const std::string& place, const std::string& text) {
  for (const auto& secret : secrets_)
    if (text.find(secret) != text.npos) found_ += place + '\n';
}

void SecretSearch::look_at_processes() {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    for (const auto& part : {"cmdline", "environ"}) look_at(entry.path() / part, text_of_file(entry.path() / part));
  }
}

void SecretSearch::look_at_files(const fs::path& directory) {
  constexpr auto go_on = fs::directory_options::skip_permission_denied;
  std::error_code none;
  for (fs::recursive_directory_iterator entry(directory, go_on, none), end; entry != end; entry.increment(none)) {
    look_at(entry->path(), entry->path());
    const bool may_have_it =
        allowed_.contains(entry->path()) || (is_join_file(entry->path()) && is_private(entry->path()));
    if (entry->is_regular_file(none) && !may_have_it) look_at(entry->path(), text_of_file(entry->path()));
  }
}

void SecretSearch::look_at_output(const std::string& command, const std::string& expected) {
  const auto result = run_script(command);
  EXPECT_NE(result.out.find(expected), std::string::npos) << command << '\n' << result.out << result.err;
  look_at(command, result.out);
}

void expect_that_no_secret_is_public(const SecretBed& bed) {
  const TemporaryDirectory root;
  const fs::path dir = root.path(), files = dir / "files", cookie = dir / "cookie", held = dir / "held";
  fs::create_directory(files);
  SpawnOptions spawn;
  spawn.command = {"/bin/sh", "-c", "exec " + bed.environment + " \"$@\" >out 2>err </dev/null", "sh"};
  const std::string options = R"({"count": 2, "files": ")" + files.string() + R"(", "env": {"COHORT_TEST_HELD": ")" +
                              held.string() + R"("})" + bed.options + '}';
  spawn.command.insert(spawn.command.end(), {COHORT_TOOL, "run", "-m", bed.manager, "--min", "0", "--options", options,
                                             COHORT_BATCH_PROGRAM, "join", "2", cookie});
  spawn.dir = dir;
  spawn.env["XDG_STATE_HOME"] = (dir / "state").string();
  spawn.capture = false;
  auto master = ChildProcess::spawn(spawn);

  SecretSearch search;
  const auto look = [&] {
    search.look_at_processes();
    search.look_at_files(dir);
    for (const auto& directory : bed.directories) search.look_at_files(directory);
    for (const auto& [command, expected] : bed.commands) search.look_at_output(command, expected);
  };
  const auto comes = [&](auto condition, const std::string& what) {
    const bool has_come = eventually(condition, 20s);
    EXPECT_TRUE(has_come) << what << ": " << text_of_file(dir / "out") << text_of_file(dir / "err");
    return has_come;
  };
  const auto held_workers = [&] {
    int count = 0;
    for (const auto& entry : fs::directory_iterator(dir))
      count += entry.path().filename().string().starts_with("held.") ? 1 : 0;
    return count == 2;
  };
  const bool is_queued = !bed.release.empty();
  if (!comes([&] { return !text_of_file(cookie).empty(); }, "the program does not begin")) return;
  const auto is_made = [&] {
    const auto& [command, expected] = bed.commands.front();
    return run_script(command).out.find(expected) != std::string::npos;
  };
  if (is_queued ? !comes(is_made, "the job is not made") : !comes(held_workers, "the workers do not start")) return;
  search.allow(cookie);
  search.add(text_of_file(cookie));
  search.add_join_files(files);
  EXPECT_GE(search.secrets(), 4u) << "the cookie, two tokens, and the key of a join file";
  if (is_queued) {
    EXPECT_FALSE(held_workers());
    look();
    const auto released = run_script(bed.release);
    EXPECT_EQ(released.code, 0) << released.out << released.err;
  }
  if (!comes(held_workers, "the workers do not start")) return;
  look();
  root.write("held", "");
  if (!comes([&] { return fs::exists(dir / "cookie.joined"); }, "the workers do not join")) return;
  search.add_join_files(files);  // there are new ones, if the scheduler may start the job once more
  look();
  EXPECT_EQ(search.found(), "");
  root.write("cookie.end", "");
  EXPECT_TRUE(master.wait_until(deadline_after(20s)));
  EXPECT_TRUE(eventually([&] { return fs::is_empty(files); }, 20s)) << "its files";
}

}  // namespace cohort::test
