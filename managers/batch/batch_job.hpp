#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/join_file.hpp>
#include <cohort/types.hpp>

#include "door.hpp"

namespace cohort::batch {

/// One job of a manager's workers, from before its submission until none of them is left.
struct BatchJob {
  BatchJob(std::shared_ptr<Door> its_door, std::filesystem::path its_join_file, std::filesystem::path its_output,
           int its_workers, std::shared_ptr<const cohort::LaunchParams> its_params)
      : door(std::move(its_door)),
        join_file(std::move(its_join_file)),
        output(std::move(its_output)),
        workers(its_workers),
        params(std::move(its_params)) {}
  ~BatchJob() { remove_join_file(); }
  BatchJob(const BatchJob&) = delete;
  BatchJob& operator=(const BatchJob&) = delete;

  /// When nobody needs it any more.
  void remove_join_file() const noexcept {
    std::error_code none;
    std::filesystem::remove(join_file, none);
  }

  const std::shared_ptr<Door> door;  // that of its launch; its workers come by it
  const std::filesystem::path join_file, output;
  const int workers;                                         // that it is to start
  const std::shared_ptr<const cohort::LaunchParams> params;  // of its launch
  std::atomic<int> arrived{0};                               // of them, in all its starts
  std::atomic<int> files{0};                                 // join files that were written for it
  std::atomic<bool> launching{true};                         // its launch waits for them
  std::atomic<bool> ended{false};                            // or cancelled
  JobId id;  // empty: not submitted yet; written once, before others look at it

  // Guarded by the manager's mutex.
  int gone = 0;  // workers that have come and ended
  std::vector<cohort::JoinToken> tokens;
};

}  // namespace cohort::batch
