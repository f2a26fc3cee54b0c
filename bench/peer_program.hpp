#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "samples.hpp"

/// One of the programs of bench/peers, running. It measures when it is asked, see bench/peers/serve.hpp, and sleeps
/// otherwise. Its processes are a group of their own, which is killed in the end if it does not end by itself.
class PeerProgram {
 public:
  /// @throws std::runtime_error with the line that it printed instead of being ready.
  explicit PeerProgram(const std::vector<std::string>& command);
  ~PeerProgram();
  PeerProgram(const PeerProgram&) = delete;
  PeerProgram& operator=(const PeerProgram&) = delete;

  bool has(const std::string& row) const;
  /// @throws std::runtime_error if it ends, or does not answer within two minutes.
  Samples ask(const std::string& row, int count);

 private:
  std::string read_line();
  bool has_ended() const;
  void end();

  pid_t process_ = -1;
  int input_ = -1, output_ = -1;
  std::string read_;  // of its output, not used yet
  std::vector<std::string> rows_;
};
