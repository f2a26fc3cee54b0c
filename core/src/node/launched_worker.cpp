#include "node/launched_worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/join_file.hpp>
#include <cohort/transport.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;

// A file on the disk of another machine can only be looked for: nothing says when it comes.
constexpr Duration first_pause = 20ms, longest_pause = 1s;
constexpr Duration not_worth_telling = 2s;
constexpr Duration connect_limit = 5s;  // then the file is read again: it may be what an earlier run has left
constexpr Duration margin = 30s;        // beyond the time of rank 0, which knows better why nothing comes of it

// The last one counts.
std::string value_of(const std::vector<std::string>& flags, std::string_view start) {
  std::string value;
  for (const std::string& flag : flags)
    if (flag.starts_with(start)) value = flag.substr(start.size());
  return value;
}

class Meeting {
 public:
  Meeting(const LaunchedProcess& process, const ClusterFile& cluster)
      : process_(process),
        limit_(cluster.timeouts.launch),
        deadline_(deadline_after(limit_)),
        path_(place(process, *launched_part(cluster))) {}

  LaunchedWorker wait() {
    const auto began = Clock::now();
    for (Duration pause = first_pause;; pause = std::min(2 * pause, longest_pause)) {
      if (auto worker = attempt()) return std::move(*worker);
      if (::getppid() != parent_) throw Error(waited() + "; but " + process_.launcher + " has ended");
      const auto now = Clock::now();
      if (now >= deadline_) throw Error(fmt::format("{} for {}", waited(), in_seconds(limit_)));
      if (!told_ && now - began >= not_worth_telling) {
        log_warning(waited());
        told_ = true;
      }
      std::this_thread::sleep_for(std::min(pause, deadline_ - now));
    }
  }

 private:
  static std::filesystem::path place(const LaunchedProcess& process, const ManagerSpec& manager) {
    const auto options = nlohmann::json::parse(manager.options_json);
    return meeting_point(process, options.value("directory", "."), options.value("name", ""));
  }

  std::string waited() const {
    return fmt::format("rank {} of {} waits for {}{}", process_.rank, process_.size,
                       problem_.empty() ? "the join file " + path_.string() + " of rank 0" : "rank 0",
                       problem_.empty() ? "" : ", which it does not reach: " + problem_);
  }

  // nullopt: not yet.
  std::optional<LaunchedWorker> attempt() {
    problem_.clear();
    // Where a disk of another machine remembers that there was no such file, opening the directory has it look again.
    std::error_code none;
    const std::filesystem::directory_iterator looked(path_.parent_path(), none);
    if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
    const JoinFile file = JoinFile::read(path_);
    std::unique_ptr<Transport> transport =
        load_transport(value_of(file.flags, "--cohort-transport="),
                       options_or_none(value_of(file.flags, "--cohort-transport-options=")));
    try {
      if (!file.tokens.empty() && static_cast<std::size_t>(process_.rank) > file.tokens.size())
        throw Error("it is for " + std::to_string(file.tokens.size()) + " processes beside rank 0");
      transport->set_secret(file.tokens.empty() ? transport_secret(file.cookie) : file.transport_key);
      IoPair master = connect(*transport, file);
      return LaunchedWorker{.settings = {.cookie = file.cookie,
                                         .token = token_of(file),
                                         .transport_key = file.transport_key,
                                         .transport = std::move(transport),
                                         .bind_to = value_of(file.flags, "--bind-to="),
                                         .master_timeout = limit_ == never ? never : limit_ + margin},
                            .master = std::move(master)};
    } catch (const std::exception& error) {
      problem_ = fmt::format("{} (says {})", error.what(), path_.string());
      return std::nullopt;
    }
  }

  // At the first of its addresses that answers.
  IoPair connect(Transport& transport, const JoinFile& file) const {
    std::vector<std::string> addresses{file.address};
    addresses.insert(addresses.end(), file.other_addresses.begin(), file.other_addresses.end());
    std::string problems;
    for (const std::string& address : addresses) {
      try {
        return transport.connect(address, std::min(deadline_, deadline_after(connect_limit)));
      } catch (const std::exception& error) {
        problems += (problems.empty() ? "" : "; ") + std::string(error.what());
      }
    }
    throw Error(problems);
  }

  // Rank 0 writes one for each of the others, in their order.
  std::optional<JoinToken> token_of(const JoinFile& file) const {
    if (file.tokens.empty()) return std::nullopt;
    return file.tokens[static_cast<std::size_t>(process_.rank) - 1];
  }

  static std::string options_or_none(std::string options) { return options.empty() ? "{}" : options; }

  const LaunchedProcess& process_;
  const pid_t parent_ = ::getppid();  // the launcher, or what it has started this process by; 1: it has ended
  const Duration limit_;
  const Clock::time_point deadline_;
  const std::filesystem::path path_;
  std::string problem_;  // of the last attempt
  bool told_ = false;
};

}  // namespace

const ManagerSpec* launched_part(const ClusterFile& cluster) {
  const auto found = std::find_if(cluster.managers.begin(), cluster.managers.end(),
                                  [](const ManagerSpec& manager) { return manager.plugin == launched_manager; });
  return found == cluster.managers.end() ? nullptr : &*found;
}

LaunchedWorker meet_rank_0(const LaunchedProcess& process, const ClusterFile& cluster) {
  return Meeting(process, cluster).wait();
}

}  // namespace cohort
