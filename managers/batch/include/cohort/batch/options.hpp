#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include <cohort/options.hpp>

namespace cohort::batch {

/// The options of all managers whose workers are jobs.
inline constexpr cohort::Option job_options[] = {
    {"count", cohort::OptionType::integer, nullptr,
     "number of workers (default: in an allocation as many as it has tasks, else it must be given)", nullptr, 1,
     100000},
    {"queue", cohort::OptionType::duration, "\"never\"", "how long a job may wait in the queue", nullptr, 1},
    {"launch", cohort::OptionType::duration, nullptr,
     "how long workers may take to join, from when their job runs (default: the cluster's timeouts.launch)", nullptr,
     1},
    {"jobs", cohort::OptionType::choice, nullptr,
     "one: one job of all workers; each: one job for each worker; array: the same as an array (default: what suits the "
     "scheduler)",
     "one|each|array"},
    {"account", cohort::OptionType::string, nullptr, "account that is charged (default: the user's)", nullptr},
    {"walltime", cohort::OptionType::duration, nullptr, "how long a job may run (default: the site's)", nullptr, 1},
    {"flags", cohort::OptionType::strings, "[]", "more arguments of the command that submits", nullptr},
    {"submit", cohort::OptionType::strings, "[]", "words in the place of the command that submits", nullptr},
    {"status", cohort::OptionType::strings, "[]", "words in the place of the command that asks for jobs", nullptr},
    {"cancel", cohort::OptionType::strings, "[]", "words in the place of the command that cancels", nullptr},
    {"template", cohort::OptionType::string, nullptr, "file with a job script in the place of the manager's", nullptr},
    {"listen", cohort::OptionType::string, nullptr,
     "where to listen for workers, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: all "
     "addresses of this host, any port)",
     nullptr},
    {"tunnel", cohort::OptionType::string, nullptr,
     "command by which workers reach this host from a closed network: its standard input and output are the "
     "connection, and {address} is the master's: ssh -W {address} login1",
     nullptr},
    {"files", cohort::OptionType::string, "\".\"",
     "directory for the join file and the output of jobs, which the nodes see, too; what is written there is removed "
     "at the end",
     nullptr},
    {"env", cohort::OptionType::env, "{}", "changes to the environment of the workers; null removes a variable",
     nullptr},
    {"drain", cohort::OptionType::duration, nullptr,
     "how long before the end of a job's time its workers get no more work (default: a tenth of that time, 10 s to 5 "
     "min)",
     nullptr, 1},
    {"respawn", cohort::OptionType::boolean, "false",
     "submit another job in place of one whose time is nearly over, or that has lost its workers", nullptr},
    {"max", cohort::OptionType::integer, nullptr,
     "submit more jobs like the first ones while there is work for them, up to so many workers in all (default: none)",
     nullptr, 1, 100000},
    {"idle", cohort::OptionType::duration, "\"1m\"",
     "with max: how long there is no work for a job before it ends, as long as count workers stay", nullptr, 1},
    {"dry_run", cohort::OptionType::boolean, "false", "print the script and the command, and submit nothing", nullptr},
};

/// For a scheduler with queues, by whatever name.
inline constexpr cohort::Option partition_option = {"partition", cohort::OptionType::string, nullptr,
                                                    "partition or queue for jobs (default: the site's)", nullptr};

/// The table of a manager that has more options than these: options_with({partition_option, {"pe", ...}}).
template <std::size_t count>
constexpr auto options_with(const cohort::Option (&more)[count]) {
  std::array<cohort::Option, std::size(job_options) + count> all{};
  std::ranges::copy(more, std::ranges::copy(job_options, all.begin()).out);
  return all;
}

}  // namespace cohort::batch
