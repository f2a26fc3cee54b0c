#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <cohort/io_pair.hpp>

namespace cohort {

/// Lines of text over a connection that will carry frames afterwards: reads only the bytes of the lines. Never waits.
/// One thread.
class LineStream {
 public:
  /// @param longest line that is accepted, in bytes.
  LineStream(IoPair pair, std::size_t longest) : pair_(std::move(pair)), longest_(longest) {}

  /// To be sent by flush().
  void send(const std::string& line) { outgoing_ += line + '\n'; }
  /// @return whether all is sent. @throws Error: the peer is gone.
  bool flush();
  /// The next line without its end, or nullopt: not whole yet. @throws Error: the peer ended, or the line is too long.
  std::optional<std::string> receive();

  IoPair& pair() { return pair_; }

 private:
  IoPair pair_;
  const std::size_t longest_;
  std::string incoming_, outgoing_;
};

}  // namespace cohort
