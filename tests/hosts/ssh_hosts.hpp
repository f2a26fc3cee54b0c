#pragma once

#include <unistd.h>

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "../cluster/cluster_test.hpp"
#include "host_bed.hpp"

namespace cohort::test {

/// The manager's options for `workers` on each host of the bed.
inline nlohmann::json ssh_options(const HostBed& bed, int workers = 1) {
  std::vector<std::string> machines;
  for (const SshHost& host : bed.hosts()) machines.push_back(std::to_string(workers) + '*' + host.machine());
  return {{"machines", machines}, {"identity", bed.key().string()}, {"known_hosts", bed.known_hosts().string()}};
}

inline std::vector<Pid> add_ssh_workers(const nlohmann::json& options, const AddprocsOptions& how = {}) {
  return addprocs("ssh", options.dump(), how);
}

inline std::string host_name_here() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

/// The workers go before their hosts do.
class SshHostsTest : public ClusterTest {
 protected:
  HostBed& start_hosts(int count, const std::vector<std::string>& sshd_lines = {}) {
    return bed_.emplace(count, sshd_lines);
  }
  /// What addprocs() throws. @param timeout what has to run out before.
  static std::string failure(const nlohmann::json& options, const AddprocsOptions& how = {},
                             Duration timeout = Duration::zero()) {
    return thrown_within(timeout, [&] { add_ssh_workers(options, how); });
  }

 private:
  std::optional<HostBed> bed_;
};

/// What runs on the hosts besides sshd, all together.
inline std::vector<std::string> processes_on(HostBed& bed) {
  std::vector<std::string> all;
  for (const SshHost& host : bed.hosts()) {
    for (const std::string& line : bed.processes(host)) all.push_back(host.name + ": " + line);
  }
  return all;
}

}  // namespace cohort::test
