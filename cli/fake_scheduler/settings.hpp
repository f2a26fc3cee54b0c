#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "job.hpp"

namespace cohort::fake_scheduler {

/// What goes wrong on purpose.
struct Faults {
  int fail_submission = 0;       ///< each so many-th submission fails; 0: none
  Milliseconds slow{0};          ///< how much longer each command takes
  Milliseconds status_delay{0};  ///< how old is what status commands say
  bool empty_status = false;     ///< status commands print nothing
  int queued_jobs = 0;           ///< how many jobs may wait; 0: no limit
};

struct Settings {
  std::string dialect = "slurm";
  int hosts = 2;
  int cpus = 2;
  std::uint64_t memory = std::uint64_t{4000} << 20;  ///< of each host
  Milliseconds kill_grace{2000};                     ///< from SIGTERM to SIGKILL
  Milliseconds keep{300'000};                        ///< how long a job is known after its end
  Faults faults;
  std::vector<std::string> command;  ///< to be run with the commands in its PATH; empty: none

  /// Sets a value by its name, as "hosts", "status-delay". Durations are in milliseconds, sizes in bytes.
  /// @return false: there is no such value, or it is not one.
  bool set(std::string_view name, std::string_view value);
};

}  // namespace cohort::fake_scheduler
