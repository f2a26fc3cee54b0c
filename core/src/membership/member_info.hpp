#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// What every process of a cluster knows of every other. Travels in messages: its fields, in order, are their bytes.
struct MemberInfo {
  Pid pid = no_pid;
  std::string address;      ///< what to dial, in the transport's form
  std::int32_t place = -1;  ///< in a topology that is made by a rule; the master gives it. -1: none
  std::string ident;        ///< name in a custom topology
  std::vector<std::string> connect_idents;
  bool draining = false;  ///< it is about to leave, and gets no new work
};

/// Which ids the master has given. Those that belong to no member and are not coming up are gone.
struct IdsGiven {
  Pid highest = no_pid;
  std::vector<Pid> coming_up;  ///< ascending
};

}  // namespace cohort
