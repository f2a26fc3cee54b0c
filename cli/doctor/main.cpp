// cohort-ssh-doctor: what `cohort doctor` runs.

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include <cohort/cluster_file.hpp>
#include <cohort/error.hpp>

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

int run(int argc, char** argv) {
  std::string file, program, timeout = "30s";
  bool json = false;
  CLI::App app("Looks whether the ssh hosts of a cluster file are fit for workers", "cohort-ssh-doctor");
  app.add_option("file", file)->required();
  app.add_option("--program", program);
  app.add_option("--timeout", timeout);
  app.add_flag("--json", json);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  const auto subjects = subjects_of(ClusterFile::load(file), program);
  if (subjects.empty())
    throw ConfigError(file + ": none of its managers is an ssh manager: there is nothing to look at");
  const auto reports = examine_all(subjects, detail::parse_duration(timeout));
  cli::write_results(json ? as_json(reports) + '\n' : as_text(reports));
  const bool ready =
      std::all_of(reports.begin(), reports.end(), [](const HostReport& host) { return host.is_ready(); });
  return ready ? cli::ok : cli::operation_failed;
}

}  // namespace
}  // namespace cohort::doctor

int main(int argc, char** argv) {
  try {
    return cohort::doctor::run(argc, argv);
  } catch (...) {
    return cohort::cli::report(std::current_exception());
  }
}
