// cohort-ssh-doctor: what `cohort doctor` runs.

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <cohort/cluster_file.hpp>
#include <cohort/error.hpp>

#include "../command_line.hpp"
#include "../exit_code.hpp"
#include "../output.hpp"
#include "config/units.hpp"
#include "examination.hpp"
#include "report.hpp"

namespace cohort::doctor {
namespace {

constexpr std::size_t most_at_once = 32;
constexpr int most_logins_of_one_server = 4;

std::vector<HostReport> examine_all(const std::vector<Subject>& subjects, Duration limit) {
  std::vector<HostReport> reports(subjects.size());
  cohort_ssh::Identities identities;
  cohort_ssh::LoginLimit login_limit(most_logins_of_one_server);
  std::atomic<std::size_t> next{0};
  const auto examine_some = [&] {
    for (std::size_t mine; (mine = next++) < subjects.size();)
      reports[mine] = examine(subjects[mine], identities, login_limit, limit);
  };
  std::vector<std::jthread> threads;
  try {
    for (std::size_t i = 1; i < std::min(most_at_once, subjects.size()); ++i) threads.emplace_back(examine_some);
  } catch (const std::system_error&) {
    // The machine allows no more threads: fewer hosts at a time.
  }
  examine_some();
  threads.clear();
  return reports;
}

struct Flags {
  std::string file, program, timeout = "30s";
  bool json = false;
};

int run(const Flags& flags) {
  const auto subjects = subjects_of(ClusterFile::load(flags.file), flags.program);
  if (subjects.empty())
    throw ConfigError(flags.file + ": none of its managers is an ssh manager: there is nothing to look at");
  const auto reports = examine_all(subjects, detail::parse_duration(flags.timeout));
  cli::write_results(flags.json ? as_json(reports) + '\n' : as_text(reports));
  const bool ready =
      std::all_of(reports.begin(), reports.end(), [](const HostReport& host) { return host.is_ready(); });
  return ready ? cli::ok : cli::operation_failed;
}

}  // namespace
}  // namespace cohort::doctor

int main(int argc, char** argv) {
  cohort::doctor::Flags flags;
  const cohort::cli::Command doctor{
      .name = "cohort-ssh-doctor",
      .help = "Looks whether the ssh hosts of a cluster file are fit for workers",
      .flags = {{"file", &flags.file, "Cluster file", "FILE", true},
                {"--program", &flags.program, "Program that the workers will run", "PROGRAM"},
                {"--timeout", &flags.timeout, "How long to wait for a host", "DURATION"},
                {"--json", &flags.json, "Print JSON"}},
      .action = [&](const auto&) { return cohort::doctor::run(flags); }};
  try {
    return cohort::cli::run_command_line(doctor, argc, argv);
  } catch (...) {
    return cohort::cli::report(std::current_exception());
  }
}
