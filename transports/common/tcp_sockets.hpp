#pragma once

#include <string>

#include <cohort/file_descriptor.hpp>
#include <cohort/options.hpp>

namespace cohort_tcp {

/// The options that every transport over TCP has. Expands to rows of its table.
#define COHORT_TCP_OPTIONS                                                                                             \
  {"user_timeout", cohort::OptionType::duration, "\"60s\"",                                                            \
   "time that sent data may stay unacknowledged before the connection is given up; never: the system's default",       \
   nullptr},                                                                                                           \
      {"backlog", cohort::OptionType::integer, "1024", "connections that may wait to be accepted", nullptr, 1, 65535}, \
      {"interface", cohort::OptionType::string, nullptr,                                                               \
       "listen at this host's address on that interface (\"eth1\") or in that network (\"10.2.0.0/16\"), unless a "    \
       "worker is told another address",                                                                               \
       nullptr},                                                                                                       \
  {                                                                                                                    \
    "advertise", cohort::OptionType::string, nullptr,                                                                  \
        "host name or address to announce in place of the one that is listened at", nullptr                            \
  }

struct TcpSettings {
  explicit TcpSettings(const cohort::Options& options);
  int user_timeout;  ///< milliseconds; 0: the system's default
  int backlog;
  std::string interface;  ///< name or network; empty: not set
  std::string advertise;  ///< host; empty: not set
};

struct ListeningSocket {
  cohort::FileDescriptor socket;
  std::string address;  ///< what others dial
};

/// @param bind as parse_bind() takes it. @throws Error, ConfigError.
ListeningSocket listen_at(const std::string& bind, const TcpSettings& settings);

/// Connects to "host:port", to each address of the host in turn. Blocks.
/// @throws Error with the address and each cause.
cohort::FileDescriptor dial(const std::string& address, cohort::Clock::time_point deadline);

/// Sets the options of an accepted or dialled connection.
void set_up_connection(int socket, const TcpSettings& settings);

}  // namespace cohort_tcp
