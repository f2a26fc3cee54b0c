#pragma once

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace COHORT_EXPORT cohort {

/// What a caller can do about an error (after KJ's four exception kinds).
enum class ErrorKind : std::uint8_t {
  failed,         ///< a bug or a refusal: the same call will fail again
  overloaded,     ///< no room or no time: back off and try again
  disconnected,   ///< the peer or the connection to it is gone: try another worker
  unimplemented,  ///< the other side does not know this function or message
};

/// Base class of all exceptions that cohort itself throws.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, ErrorKind kind = ErrorKind::failed)
      : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Received bytes do not match the protocol or the expected type. The connection lives on.
class BadMessage : public Error {
 public:
  using Error::Error;
};

/// A wait reached its deadline.
class TimeoutError : public Error {
 public:
  explicit TimeoutError(const std::string& message) : Error(message, ErrorKind::overloaded) {}
};

/// A wait or a call was cancelled through its std::stop_token.
class CancelledException : public Error {
 public:
  explicit CancelledException(const std::string& message) : Error(message) {}
};

/// A put into a closed channel, or a take from a closed channel that has no items left.
class ChannelClosedError : public Error {
 public:
  explicit ChannelClosedError(const std::string& message = "the channel is closed") : Error(message) {}
};

/// The running call was interrupted. cohort's blocking functions and interruption_point() throw it.
class InterruptedException : public Error {
 public:
  InterruptedException() : Error("interrupted") {}
};

// The messages of the next three quote texts from outside: files, flags, names, the output of programs. They have at
// most 64 KiB, and no control bytes except line ends and tabs.

/// An option, a cluster file or a command line is wrong. The tool's exit code 3.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message);
};

/// A plugin was not found or was refused. The tool's exit code 4.
class PluginError : public Error {
 public:
  explicit PluginError(const std::string& message);
};

/// A worker did not come up. The message says which step failed and what the launch command printed.
class LaunchError : public Error {
 public:
  explicit LaunchError(const std::string& message);
};

/// The process that should have answered is gone.
class ProcessExitedException : public Error {
 public:
  /// @param cause why it ended, if known: "exited with code 3", "killed by signal 9 (Killed)", "no answer for 60 s".
  ProcessExitedException(Pid worker, const std::string& cause);
  Pid worker_id() const noexcept { return worker_; }
  const std::string& cause() const noexcept { return cause_; }

 private:
  Pid worker_;
  std::string cause_;
};

/// A function that was called remotely threw, in another process or in this one.
class RemoteException : public Error {
 public:
  struct Details {
    Pid worker = no_pid;  ///< the process that threw
    ErrorKind kind = ErrorKind::failed;
    std::string type_name;  ///< readable C++ type, "std::out_of_range"
    std::string message;    ///< its what()
    std::string stack;      ///< frames of the throw, one on each line; may be empty
  };

  explicit RemoteException(Details details, std::exception_ptr cause = nullptr);
  // Not movable: a moved-from object would have no details.
  RemoteException(const RemoteException&) = default;
  RemoteException& operator=(const RemoteException&) = default;

  Pid worker() const noexcept { return details_->worker; }
  const std::string& type_name() const noexcept { return details_->type_name; }
  const std::string& message() const noexcept { return details_->message; }
  const std::string& stack() const noexcept { return details_->stack; }
  /// The original exception; rethrow it to catch it by type. If its type is a standard type, one of cohort's, or one of
  /// the program's own that travels (COHORT_EXCEPTION), it is the exception itself. For another type it is the nearest
  /// standard or cohort base class, with the same text, or null if the only such base is std::exception. If the
  /// function ran in this process, it is always the exception itself.
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

/// Returns the text of any exception: "an exception of type int" if it is not a std::exception.
std::string message_of(const std::exception_ptr& exception);

}  // namespace cohort
