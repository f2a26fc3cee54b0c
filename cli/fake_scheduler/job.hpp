#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cohort::fake_scheduler {

using Time = std::chrono::system_clock::time_point;
using Milliseconds = std::chrono::milliseconds;
using JobNumber = std::int64_t;

enum class State {
  pending,
  running,
  completing,  ///< it is over, and processes of it are still there
  completed,
  failed,  ///< it ended by itself, with another status than 0
  cancelled,
  timeout,
  out_of_memory,
  node_fail,
  preempted,
};

constexpr bool has_ended(State state) { return state > State::completing; }

/// Processes of a job on one host.
struct Place {
  std::string host;
  int tasks = 1;
  int cpus = 1;

  bool operator==(const Place&) const = default;
};

/// What was asked for.
struct JobSpec {
  std::string name;
  std::string script;                       ///< its text; of an allocation it is empty
  std::vector<std::string> arguments = {};  ///< of the script; without a script the command
  std::string dir;
  std::vector<std::string> environment = {};
  std::string output, error = {}, input = {};  ///< patterns of file names; error empty: as output
  bool appends = false;
  mode_t umask = 022;
  std::string user = {};

  int tasks = 1;
  bool tasks_given = false;  ///< somebody said how many
  int cpus_per_task = 1;
  int nodes = 0;           ///< 0: as many as it takes
  int tasks_per_node = 0;  ///< 0: as many as fit
  bool overcommit = false;
  std::uint64_t memory = 0;  ///< on each host, in bytes; 0: no limit
  std::optional<Milliseconds> walltime = {};
  std::string queue = {}, account = {}, submitted_by = {};
  bool held = false;
  bool requeue = true;  ///< it may be started again after its host failed, or when it was preempted
  std::vector<std::pair<std::string, std::string>> more = {};  ///< what only the dialect knows

  /// Jobs that have to end before this one starts.
  struct Dependency {
    JobNumber job;
    bool successfully;  ///< and with the exit code 0
  };
  std::vector<Dependency> after = {};

  /// A signal before the end of its time.
  struct Warning {
    int signal;
    Milliseconds before;
    bool batch_only;
  };
  std::optional<Warning> warning = {};

  std::string value(std::string_view key) const {
    for (const auto& [own_key, own_value] : more)
      if (own_key == key) return own_value;
    return "";
  }
};

/// Which part of an array a job is.
struct ArrayPart {
  JobNumber array = 0;  ///< 0: it is none
  int task = 0, first = 0, last = 0, count = 0, step = 1;
  int at_once = 0;  ///< how many of them may run; 0: all
};

/// What changes while a job lives.
struct JobStatus {
  State state = State::pending;
  std::string reason = {};  ///< in the words of Slurm: "Resources"
  int wait_status = 0;      ///< of waitpid()
  std::vector<Place> places = {};
  std::optional<Time> start = {}, end = {};

  bool operator==(const JobStatus&) const = default;
};

struct Job {
  JobNumber number = 0;
  ArrayPart part;
  std::shared_ptr<const JobSpec> spec;
  Time submitted = {};
  int restarts = 0;
  bool held = false;
  std::optional<Time> eligible = {};  ///< not before
  bool is_allocation = false;         ///< a command on the login host uses it: there is no script

  JobStatus status;
  /// What the status was, and since when: the last entry is what it is.
  std::deque<std::pair<Time, JobStatus>> history;

  bool vanished = false;
  std::optional<State> lie = {};  ///< what status commands say instead of its state

  int tasks_on_all() const {
    int sum = 0;
    for (const auto& place : status.places) sum += place.tasks;
    return sum;
  }
};

/// A job as a status command shows it, which may be late or wrong.
struct JobView {
  const Job* job;
  JobStatus status;
};

}  // namespace cohort::fake_scheduler
