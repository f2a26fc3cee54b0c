#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// What a caller can do about an error (after KJ's four exception kinds).
enum class ErrorKind : std::uint8_t {
  failed,         ///< a bug or a refusal: the same call will fail again
  overloaded,     ///< no room or no time: back off and try again
  disconnected,   ///< the peer or the way to it is gone: try another worker
  unimplemented,  ///< the other side does not know this function or message
};

/// Base of every exception that cohort throws by itself.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::failed)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Bytes that are not what the protocol or the expected type says. The connection they came by lives on.
class BadMessage : public Error {
 public:
  using Error::Error;
};

/// A wait that ended by its deadline.
class TimeoutError : public Error {
 public:
  explicit TimeoutError(const std::string& message) : Error(message, ErrorKind::overloaded) {}
};

/// A wait or a call that its std::stop_token called off.
class CancelledException : public Error {
 public:
  explicit CancelledException(const std::string& message) : Error(message) {}
};

/// A put into a channel that is closed, or a take from one that is closed and has nothing left.
class ChannelClosedError : public Error {
 public:
  explicit ChannelClosedError(const std::string& message = "the channel is closed") : Error(message) {}
};

/// The running call was interrupted: thrown by cohort's blocking functions and by interruption_point().
class InterruptedException : public Error {
 public:
  InterruptedException() : Error("interrupted") {}
};

// The next three quote what others wrote: files, flags, names, the output of programs. Their messages have at most 64
// KiB, and no bytes that a terminal would obey, but for line ends and tabs.

/// An option, a cluster file or a command line that cannot be accepted. The tool's exit code 3.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message);
};

/// A plugin that was not found or was refused. The tool's exit code 4.
class PluginError : public Error {
 public:
  explicit PluginError(const std::string& message);
};

/// A worker that did not come up: the message says which step failed and what the launch command printed.
class LaunchError : public Error {
 public:
  explicit LaunchError(const std::string& message);
};

/// The process that was to answer is gone.
class ProcessExitedException : public Error {
 public:
  /// @param cause what is known of the end: "exited with code 3", "killed by signal 9 (Killed)", "no answer for 60 s".
  ProcessExitedException(Pid worker, const std::string& cause);
  Pid worker_id() const noexcept { return worker_; }
  const std::string& cause() const noexcept { return cause_; }

 private:
  Pid worker_;
  std::string cause_;
};

/// An exception that a function threw on another process (or on this one, when called by the remote call functions).
class RemoteException : public Error {
 public:
  struct Details {
    Pid worker = no_pid;  ///< the process that threw
    ErrorKind kind = ErrorKind::failed;
    std::string type_name;  ///< readable C++ type, "std::out_of_range"
    std::string message;    ///< its what()
    std::string stack;      ///< frames of the throw, one a line; may be empty
  };

  explicit RemoteException(Details details, std::exception_ptr cause = nullptr);
  // No moves: one that was moved from would have no details.
  RemoteException(const RemoteException&) = default;
  RemoteException& operator=(const RemoteException&) = default;

  Pid worker() const noexcept { return details_->worker; }
  const std::string& type_name() const noexcept { return details_->type_name; }
  const std::string& message() const noexcept { return details_->message; }
  const std::string& stack() const noexcept { return details_->stack; }
  /// Rethrow it to catch it by type. The exception itself where its type is a standard or a cohort one. Of a type of
  /// the program's own, which cannot travel, the nearest of these that it is derived from, with its text; null where it
  /// is derived from none but std::exception. Where the function ran in this process, the exception itself in any case.
  std::exception_ptr cause() const noexcept { return cause_; }

 private:
  std::shared_ptr<const Details> details_;  // shared, so that copying the exception cannot throw
  std::exception_ptr cause_;
};

/// Several failures of one operation, in the order of its parts.
class CompositeException : public Error {
 public:
  explicit CompositeException(std::vector<std::exception_ptr> exceptions);
  CompositeException(const CompositeException&) = default;
  CompositeException& operator=(const CompositeException&) = default;
  const std::vector<std::exception_ptr>& exceptions() const noexcept { return *exceptions_; }
  std::size_t size() const noexcept { return exceptions_->size(); }

 private:
  std::shared_ptr<const std::vector<std::exception_ptr>> exceptions_;
};

/// The text of any exception, "an exception of type int" for one that is not a std::exception.
std::string message_of(const std::exception_ptr& exception);

}  // namespace cohort
