#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::fake_scheduler {

/// What a command and the scheduler send each other.
enum class Frame : char {
  // From a command.
  request = 'R',
  input = 'D',          ///< a part of its standard input
  input_end = 'E',      ///< there is no more of it
  signal = 'S',         ///< it got a signal; its number as text
  command_ended = 'W',  ///< what it was told to run has ended; the status for its own end as text
  // From the scheduler.
  output = 'o',          ///< for standard output
  error = 'e',           ///< for standard error
  exit = 'x',            ///< the status with which it is to end, as text
  want_input = 'i',      ///< it is to send its standard input
  attached = 'l',        ///< from now on it is to send the signals that it gets
  run = 'X',             ///< it is to run a command, with this environment
  signal_command = 'K',  ///< it is to send that command a signal
};

/// What was typed.
struct Request {
  std::vector<std::string> words;  ///< "squeue", "--noheader"
  std::string dir;
  std::vector<std::string> environment;  ///< "NAME=value"
  mode_t umask = 022;

  /// nullopt: it is not set.
  std::optional<std::string> variable(std::string_view name) const;
};

std::string encode(Frame kind, std::string_view payload);
std::string encode(const Request& request);
/// A list of texts, as the payload of `run`: the number of words, the words, the environment.
std::string encode_list(const std::vector<std::string>& texts);
/// nullopt: it is none.
std::optional<std::vector<std::string>> decode_list(std::string_view payload);
std::optional<Request> decode_request(std::string_view payload);

/// Parts a stream of bytes into frames.
class FrameReader {
 public:
  static constexpr std::size_t largest = 8 << 20;

  struct Next {
    Frame kind;
    std::string payload;
  };
  void add(std::string_view bytes) { bytes_ += bytes; }
  /// The next whole frame; nullopt: there is none yet.
  std::optional<Next> next();
  /// It is no stream of frames: nothing more can be read of it.
  bool broken() const { return broken_; }

 private:
  std::string bytes_;
  std::size_t start_ = 0;  // of what was not read yet
  bool broken_ = false;
};

}  // namespace cohort::fake_scheduler
