#include "batch_examination.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <cohort/cohort.hpp>

#include "../cluster_check.hpp"
#include "../interrupt_signal.hpp"
#include "../launch_watch.hpp"
#include "batch/batch_options.hpp"
#include "batch_systems.hpp"
#include "config/units.hpp"
#include "dial.hpp"
#include "plugin/loader.hpp"

namespace cohort::cli {
namespace {

using namespace std::chrono_literals;
using cohort::batch::Finding;
using Json = nlohmann::ordered_json;

constexpr Duration dial_limit = 5s;
constexpr Duration longest_join = 10min;  // of a worker, also if there is no limit

cohort::batch::JobRequest sample_job(const ManagerSpec& manager, const cohort::batch::BatchOptions& options) {
  cohort::batch::JobRequest request;
  request.name = "cohort-doctor";
  request.workers = static_cast<int>(said_count(manager).value_or(1));
  request.command = {std::filesystem::read_symlink("/proc/self/exe"), "--cohort-join=-"};
  request.dir = std::filesystem::current_path();
  request.join_file = options.files / "join-";
  request.output = options.files / "job-";
  request.environment = options.env;
  return request;
}

Finding check_files(const std::filesystem::path& path) {
  const auto files = (path / "").parent_path();  // without a slash at its end
  std::string probe = files / "cohort-doctor.XXXXXX";
  if (::mkdtemp(probe.data()) == nullptr)
    return Finding::bad("files", files.string() + ": " + std::generic_category().message(errno),
                        "a directory that can be written, and that the nodes see, too: -o files=DIRECTORY");
  ::rmdir(probe.c_str());
  return Finding::good("files", files.string());
}

// One worker, with its deadlines. It gives up early enough to say why.
std::string options_of_one_worker(const ManagerSpec& manager, Duration limit) {
  Json options = Json::parse(manager.options_json);
  options["count"] = 1;
  options["dry_run"] = false;
  options["queue"] = detail::format_duration(limit);
  options["launch"] = detail::format_duration(limit);
  const auto patience = std::chrono::duration<double>(std::min(limit, longest_join)) / 2;
  Json& environment = options["env"];
  if (!environment.contains("COHORT_WORKER_TIMEOUT"))
    environment["COHORT_WORKER_TIMEOUT"] = fmt::format("{:.3f}", patience.count());
  return options.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Finding finding_of_address(const std::string& address, const std::string& failure, const DialReport& report) {
  if (!failure.empty())
    return Finding::warning("address", fmt::format("{} from {}: {}", address, report.host, failure),
                            "a firewall, or a network that the node is not in; -o listen=ADDRESS chooses another");
  const bool came_by = !report.came_by.empty() && address.find(report.came_by + ':') != address.npos;
  return Finding::good("address", fmt::format("{} is reached from {}{}", address, report.host,
                                              came_by ? "; the worker came by it" : ""));
}

std::string hint_for_job(std::string_view failure, const std::filesystem::path& files) {
  const auto says = [failure](std::string_view words) { return failure.find(words) != failure.npos; };
  if (says("(option queue)")) return "the job is cancelled; --timeout waits longer, --quick submits none";
  if (says("cannot join the master"))
    return "the node must reach this host; -o listen=ADDRESS:PORT chooses a network, and a port that firewalls let "
           "through, and -o 'tunnel=ssh -W {address} HOST' goes by way of a host that does";
  return "the nodes must see this program and its libraries, and the first of them the directory " + files.string();
}

std::vector<Finding> check_by_a_job(const ManagerSpec& manager, const cohort::batch::BatchOptions& options,
                                    Duration limit) {
  int argc = 1;
  char name[] = "cohort";
  char* argv[] = {name, nullptr};
  const InterruptSignal interrupt_signal;
  Session session(argc, argv);
  const auto start = Clock::now();
  std::vector<Finding> findings;
  try {
    std::vector<Pid> workers;
    {
      const LaunchWatch watch(interrupt_signal, 1, true);
      workers = addprocs(manager.plugin, options_of_one_worker(manager, limit), {.stop_token = watch.stop_token()});
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const DialTarget target(options.listen.value_or(""));
    const auto report =
        remotecall(fn<dial_all>, workers.at(0), target.addresses(), std::chrono::duration<double>(dial_limit).count())
            .fetch({.deadline = deadline_after(limit)});
    findings.push_back(Finding::good("job", fmt::format("a worker on {} joined after {:.1f} s", report.host, seconds)));
    for (std::size_t i = 0; i < target.addresses().size(); ++i)
      findings.push_back(finding_of_address(target.addresses()[i], report.failures.at(i), report));
  } catch (const CancelledException&) {
    throw InterruptedException();
  } catch (const std::exception& error) {
    findings.push_back(Finding::bad("job", error.what(), hint_for_job(error.what(), options.files)));
  }
  return findings;
}

}  // namespace

BatchReport examine_batch_system(const ManagerSpec& manager, bool job, Duration limit) {
  const auto driver = queue_driver(manager.plugin, manager.options_json);
  const auto& plugin = detail::PluginLoader::instance().load(PluginKind::manager, manager.plugin);
  const cohort::batch::BatchOptions options(plugin.parse_options(manager.options_json));
  BatchReport report{.manager = manager.plugin,
                     .findings = cohort::batch::examine(*driver, sample_job(manager, options), limit)};
  report.findings.push_back(check_files(options.files));
  if (!job) return report;
  if (!report.is_ready()) {
    report.findings.push_back(Finding::skipped("job", "what is bad above first"));
    return report;
  }
  for (auto& finding : check_by_a_job(manager, options, limit)) report.findings.push_back(std::move(finding));
  return report;
}

}  // namespace cohort::cli
