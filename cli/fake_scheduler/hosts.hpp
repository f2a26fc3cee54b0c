#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "job.hpp"

namespace cohort::fake_scheduler {

/// The hosts that there seem to be: n1, n2 ... They are names and slots; all processes run on this machine.
class Hosts {
 public:
  struct Host {
    std::string name;
    int cpus;
    int used = 0;
    std::uint64_t memory, used_memory = 0;
    bool down = false;
  };

  Hosts(int count, int cpus, std::uint64_t memory);

  /// Slots for a job, of the first hosts that have some, or nullopt: there are not enough now.
  std::optional<std::vector<Place>> place(const JobSpec& spec) const;
  /// Whether it would fit if nothing ran and all hosts were up.
  bool could_ever_place(const JobSpec& spec) const;
  void take(const JobSpec& spec, const std::vector<Place>& places);
  void give_back(const JobSpec& spec, const std::vector<Place>& places);

  /// Null: there is none of that name.
  Host* find(std::string_view name);
  const std::vector<Host>& all() const { return hosts_; }

 private:
  std::optional<std::vector<Place>> place_on(const std::vector<Host>& hosts, const JobSpec& spec) const;

  std::vector<Host> hosts_;
};

/// "n1", "n[1-2]", "n[1,3-4]": host names as Slurm writes them.
std::string compressed(const std::vector<std::string>& hosts);
/// What compressed() writes, as single names.
std::vector<std::string> expanded(std::string_view hosts);

}  // namespace cohort::fake_scheduler
