#pragma once

#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>

#include "host_facts.hpp"
#include "report.hpp"
#include "ssh/login.hpp"

namespace cohort::doctor {

/// A machine of a cluster file, and what its workers need there.
struct Subject {
  std::string manager;
  std::string machine;
  cohort_ssh::LoginOptions login;
  std::optional<cohort_ssh::LoginOptions> jump;  ///< of the host to go through
  Questions questions;
  std::string local_program;  ///< what the program there must be the same build as; empty: any
  std::string advertise;      ///< the address that its workers are dialled at; empty: the one that ssh reaches
  bool staged = false;        ///< the program is copied there, so it need not be there
  bool tunnel = false;        ///< no port but that of ssh is needed
};

/// The machines of the ssh managers in a cluster file. @param program what the workers run; empty: what the file says.
/// @throws ConfigError.
std::vector<Subject> subjects_of(const ClusterFile& file, const std::string& program);

/// Logs in and looks around. Any thread; blocks, at most for about `limit`. Throws nothing that the host is to blame
/// for.
HostReport examine(const Subject& subject, cohort_ssh::Identities& identities, cohort_ssh::LoginLimit& login_limit,
                   Duration limit);

}  // namespace cohort::doctor
