#include "every_end.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/child_process.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;
using contract::eventually;
namespace fs = std::filesystem;

using Jobs = std::map<std::string, bool>;

constexpr int workers = 2;
constexpr auto longest_end = 20s;  // of what a master leaves; it takes two seconds on a machine that is not busy

int files_beginning_with(const fs::path& path) {
  int found = 0;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), none))
    found += entry.path().filename().string().starts_with(path.filename().string()) ? 1 : 0;
  return found;
}

std::string first_name_in(const fs::path& directory) {
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(directory, none)) return entry.path().filename();
  return "";
}

/// The command lines of the processes that have this in their environment or their command line.
std::vector<std::string> processes_with(const std::string& text) {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/proc", none)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != pid.npos || pid == std::to_string(::getpid())) continue;
    std::string command = text_of_file(entry.path() / "cmdline");
    if (command.find(text) == command.npos && text_of_file(entry.path() / "environ").find(text) == std::string::npos)
      continue;
    std::replace(command.begin(), command.end(), '\0', ' ');
    found.push_back(pid + ' ' + command);
  }
  return found;
}

/// One master. Its files, its records and what it notes are in a directory of its own.
class Master {
 public:
  Master(const EndBed& bed, const std::string& root, std::string when, std::string how, int signal_number = 0)
      : bed_(bed), when_(std::move(when)), how_(std::move(how)), signal_(signal_number), dir_(fs::path(root) / name()) {
    for (const auto& part : {"files", "state"}) fs::create_directories(dir_ / part);
    if (when_ == "submitting") {
      std::ofstream(dir_ / "submit") << "#!/bin/sh\n>'" << (dir_ / "submits").string() << "'\nsleep 3\nexec "
                                     << bed_.submit << " \"$@\"\n";
      fs::permissions(dir_ / "submit", fs::perms::owner_all);
    }
    SpawnOptions spawn;
    spawn.command = {"/bin/sh", "-c", R"(exec "$@" >out 2>err </dev/null)", "sh"};
    if (how_ == "is-caught") {
      spawn.command.insert(spawn.command.end(),
                           {COHORT_BATCH_PROGRAM, "caught", bed_.manager, options(), dir_.string()});
    } else {
      spawn.command.insert(spawn.command.end(), {COHORT_TOOL, "run", "-m", bed_.manager, "--options", options()});
      if (begins_without_workers()) spawn.command.insert(spawn.command.end(), {"--min", "0"});
      spawn.command.insert(spawn.command.end(),
                           {COHORT_BATCH_PROGRAM, when_ == "computing" ? "map_end" : "end", how_, dir_.string()});
    }
    spawn.dir = dir_;
    spawn.env["XDG_STATE_HOME"] = (dir_ / "state").string();
    spawn.capture = false;
    process_ = ChildProcess::spawn(spawn);
  }

  std::string name() const { return when_ + '-' + how_; }
  int pid() const { return process_->pid(); }
  const fs::path& directory() const { return dir_; }
  std::string words() const { return name() + ": " + text_of_file(dir_ / "out") + text_of_file(dir_ / "err"); }

  /// Ends it, when its time has come. @return whether that was done.
  bool end(const Jobs& jobs) {
    if (is_told_) return true;
    if (cluster_.empty()) cluster_ = first_name_in(dir_ / "files");
    is_told_ = is_time(jobs);
    if (is_told_ && signal_ != 0) ::kill(process_->pid(), signal_);
    if (is_told_ && signal_ == 0) std::ofstream(dir_ / "go") << '\n';
    return is_told_;
  }
  void kill() { ::kill(process_->pid(), SIGKILL); }

  void expect_its_end() {
    const auto status = process_->wait_until(deadline_after(30s));
    ASSERT_TRUE(status) << words();
    const int expected = signal_ != 0 ? signal_ : how_ == "throws" ? SIGABRT : 0;
    EXPECT_EQ(status->exited ? status->code : status->signal, expected) << status->text() << '\n' << words();
  }

  /// What is there of it, in lines.
  std::string left(const Jobs& jobs) const {
    std::string found;
    for (const auto& [what, place] : {std::pair("file", "files"), std::pair("record", "state/cohort/jobs")}) {
      std::error_code none;
      for (const auto& entry : fs::recursive_directory_iterator(dir_ / place, none))
        found += name() + ": the " + what + ' ' + entry.path().filename().string() + '\n';
    }
    if (jobs.contains(cluster_)) found += name() + ": the job " + cluster_ + '\n';
    return found;
  }

 private:
  bool begins_without_workers() const { return (when_ == "queued" || when_ == "starting") && signal_ == 0; }

  std::string options() const {
    const std::string dir = dir_.string();
    std::string env = R"("COHORT_TEST_CASE": ")" + dir + '"';
    if (when_ == "starting") env += R"(, "COHORT_TEST_HELD": ")" + dir + R"(/held")";
    std::string text =
        R"({"count": )" + std::to_string(workers) + R"(, "files": ")" + dir + R"(/files", "env": {)" + env + '}';
    if (when_ == "queued" || when_ == "submitting") text += R"(, "flags": )" + bed_.held;
    if (when_ == "submitting") text += R"(, "submit": [")" + dir + R"(/submit"])";
    if (how_ == "is-caught") text += when_ == "queued" ? R"(, "queue": "1s")" : R"(, "launch": "1s")";
    return text + '}';
  }

  bool is_time(const Jobs& jobs) const {
    const auto job = jobs.find(cluster_);
    if (how_ == "is-caught") return fs::exists(dir_ / "caught") && left(jobs).empty();
    if (when_ == "submitting") return fs::exists(dir_ / "submits");
    if (when_ == "queued") return job != jobs.end() && !job->second;
    if (when_ == "starting") return job != jobs.end() && job->second && files_beginning_with(dir_ / "held.") > 0;
    if (when_ == "computing") return files_beginning_with(dir_ / "computes.") == workers;
    return fs::exists(dir_ / "ready");
  }

  const EndBed& bed_;
  const std::string when_, how_;
  const int signal_;  // 0: it ends by itself
  const fs::path dir_;
  std::optional<ChildProcess> process_;
  std::string cluster_;  // the name of its jobs
  bool is_told_ = false;
};

std::string all_left(const EndBed& bed, const std::string& root, const std::vector<Master>& masters) {
  std::string found;
  // Before the jobs are asked for: one of them might submit.
  for (const auto& process : processes_with(root)) found += process + '\n';
  const Jobs jobs = bed.jobs();
  for (const auto& [name, runs] : jobs) found += "the job " + name + (runs ? ", which runs\n" : "\n");
  for (const auto& master : masters) found += master.left(jobs);
  return found;
}

void expect_nothing_left(const EndBed& bed, const std::string& root, const std::vector<Master>& masters) {
  std::string found;
  EXPECT_TRUE(eventually([&] { return (found = all_left(bed, root, masters)).empty(); }, longest_end)) << found;
}

}  // namespace

void expect_that_nothing_stays_after_any_end(const EndBed& bed) {
  const TemporaryDirectory root;
  std::vector<Master> masters;
  for (const std::string when : {"queued", "starting", "idle", "computing"}) {
    for (const std::string how : {"returns", "throws"}) masters.emplace_back(bed, root.path(), when, how);
    for (const auto& [name, number] : {std::pair("SIGINT", SIGINT), std::pair("SIGTERM", SIGTERM),
                                       std::pair("SIGHUP", SIGHUP), std::pair("SIGKILL", SIGKILL)})
      masters.emplace_back(bed, root.path(), when, name, number);
  }
  for (const std::string when : {"queued", "starting"}) masters.emplace_back(bed, root.path(), when, "is-caught");
  for (const auto& [name, number] : {std::pair("SIGTERM", SIGTERM), std::pair("SIGKILL", SIGKILL)})
    masters.emplace_back(bed, root.path(), "submitting", name, number);
  std::string not_told;
  EXPECT_TRUE(eventually([&] {
    not_told.clear();
    const Jobs jobs = bed.jobs();
    for (auto& master : masters)
      if (!master.end(jobs)) not_told += master.words() + '\n';
    return not_told.empty();
  })) << "these did not come so far:\n"
      << not_told;
  if (!not_told.empty()) return;
  for (auto& master : masters) master.expect_its_end();
  expect_nothing_left(bed, root.path(), masters);
}

void expect_that_nothing_stays_of_masters_killed_early(const EndBed& bed) {
  const TemporaryDirectory root;
  std::vector<Master> masters;
  using Sign = std::function<bool(const Master&)>;
  const auto file = [](const std::string& path) {
    return [path](const Master& master) { return files_beginning_with(master.directory() / path) > 0; };
  };
  const std::vector<std::pair<std::string, Sign>> signs = {
      {"at-its-guard",
       [](const Master& master) {
         return std::ranges::any_of(processes_with(master.directory()), [](const std::string& command) {
           return command.find("cohort-guard") != command.npos;
         });
       }},
      {"at-the-directory-of-records", file("state/cohort")},
      {"at-its-record", file("state/cohort/jobs/cohort-")},
      {"at-its-directory", file("files/cohort-")},
      {"at-its-join-file",
       [](const Master& master) {
         const fs::path files = master.directory() / "files";
         const std::string name = first_name_in(files);
         return !name.empty() && files_beginning_with(files / name / "join-") > 0;
       }},
      {"at-its-job",
       [&bed](const Master& master) {
         const std::string name = first_name_in(master.directory() / "files");
         return !name.empty() && bed.jobs().contains(name);
       }},
  };
  for (const auto& [name, has_come] : signs) {
    for (const std::string again : {"", "-again"}) {
      Master& master = masters.emplace_back(bed, root.path(), name, "killed" + again, SIGKILL);
      EXPECT_TRUE(eventually([&] { return has_come(master); }, 20s)) << master.words();
      master.kill();
      master.expect_its_end();
    }
  }
  expect_nothing_left(bed, root.path(), masters);
}

}  // namespace cohort::test
