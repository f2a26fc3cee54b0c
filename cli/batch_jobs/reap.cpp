// cohort reap: removes what is left of clusters whose workers are jobs, if their host has failed.

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <cohort/batch/command.hpp>
#include <cohort/error.hpp>

#include "../command.hpp"
#include "../exit_code.hpp"
#include "../output.hpp"
#include "batch_systems.hpp"
#include "found_records.hpp"

namespace cohort::cli {
namespace {

using cohort::batch::ClusterRecord;
using State = FoundRecord::State;

struct ReapFlags {
  std::string name;
  std::string manager;
  bool all = false;
  bool dry_run = false;
};

// What is run is the installed driver's own.
void cancel_jobs(const std::string& scheduler, const std::string& name) {
  const auto driver = queue_driver(scheduler);
  cohort::batch::run({.words = {"/bin/sh", "-c", driver->dialect().cancel_by_name, "cohort-reap", name}});
}

void remove_record(const FoundRecord& found) {
  if (::unlink(found.path.c_str()) != 0)
    throw Error("cannot remove " + found.path.string() + ": " + std::generic_category().message(errno));
}

void remove_files(const FoundRecord& found) {
  std::error_code error;
  std::filesystem::remove_all(found.record.files, error);
  if (error) throw Error("cannot remove " + found.record.files.string() + ": " + error.message());
  remove_record(found);
}

bool reap_unfinished(const FoundRecord& found, const ReapFlags& flags) {
  const std::string cluster = found.name + " (ended before it had jobs): its record ";
  if (flags.dry_run) {
    write_results(cluster + "is to be removed\n");
    return true;
  }
  try {
    remove_record(found);
  } catch (const Error& error) {
    print_message(cluster + "is not removed: " + error.what());
    return false;
  }
  write_results(cluster + "is removed\n");
  return true;
}

// @return whether that went well; nothing to do is well, too.
bool reap_one(const FoundRecord& found, const ReapFlags& flags) {
  if (found.state == State::held) return true;
  if (found.state == State::refused) {
    print_message("the record " + found.path.string() + " is left as it is: " + found.problem);
    return false;
  }
  if (found.state == State::unfinished) return reap_unfinished(found, flags);
  const auto& record = found.record;
  const std::string cluster = summary_of(record) + ": ";
  if (record.host != cohort::batch::this_host() && !flags.all) {
    write_results(cluster +
                  "whether it still runs is known on that host only. Run 'cohort reap' there or, if the host " +
                  "has failed, 'cohort reap --all'\n");
    return true;
  }
  if (flags.dry_run) {
    write_results(cluster + "to be removed, with " + record.files.string() + '\n');
    return true;
  }
  try {
    if (!record.scheduler.empty()) cancel_jobs(record.scheduler, record.name);
    remove_files(found);
  } catch (const std::exception& error) {
    print_message(cluster + "not removed: " + error.what());
    return false;
  }
  write_results(cluster + (record.scheduler.empty() ? "" : "jobs cancelled, ") + "files removed\n");
  return true;
}

int reap_without_record(const ReapFlags& flags) {
  if (flags.manager.empty())
    throw UsageError("no record of " + flags.name + " is in " + cohort::batch::records_directory().string() +
                     ". To cancel its jobs, say which manager it has: -m slurm");
  if (flags.dry_run) {
    write_results(flags.name + ": jobs of this name are to be cancelled\n");
    return ok;
  }
  cancel_jobs(flags.manager, flags.name);
  write_results(flags.name + ": jobs of this name are cancelled, if there were any\n");
  return ok;
}

int reap(const ReapFlags& flags) {
  if (flags.name.empty() && !flags.manager.empty()) throw UsageError("-m is for --name: say which cluster it is");
  if (!flags.name.empty() && !cohort::batch::is_cluster_name(flags.name))
    throw UsageError("--name wants a name like cohort-0a1b2c3d4e, not '" + flags.name + "'");
  bool good = true;
  bool nothing = true;
  for (const auto& found : find_records()) {
    if (!flags.name.empty() && found.name != flags.name) continue;
    if (!flags.name.empty() && found.state == State::held)
      throw Error(flags.name + " is a cluster that exists. It ends with its program");
    if (!flags.name.empty() && !flags.manager.empty() && found.state == State::left &&
        found.record.scheduler != flags.manager)
      throw Error(flags.name + " has the manager '" + found.record.scheduler + "'");
    nothing = nothing && found.state == State::held;
    good = reap_one(found, flags) && good;
  }
  if (nothing && !flags.name.empty()) return reap_without_record(flags);
  if (nothing) write_results("nothing is left of clusters that have ended\n");
  return good ? ok : operation_failed;
}

}  // namespace

Command reap_command() {
  auto flags = std::make_shared<ReapFlags>();
  return {.name = "reap",
          .help = "Cancel jobs and remove files that are left of clusters whose host has failed",
          .flags = {{"--dry-run", &flags->dry_run, "Print what is left, and do nothing"},
                    {"--all", &flags->all, "Also what clusters of other hosts have left, which must have ended"},
                    {"--name", &flags->name, "Only the cluster whose jobs have this name", "NAME"},
                    {"-m,--manager", &flags->manager, "Its manager, if there is no record of it", "MANAGER"}},
          .action = [flags](const auto&) { return reap(*flags); }};
}

}  // namespace cohort::cli
