#pragma once

#include <unistd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/logging.hpp>
#include <cohort/types.hpp>
#include <cohort/worker_config.hpp>

#include "io/output_sink.hpp"

namespace cohort {

/// Why a worker has not announced its address.
enum class StartupFailure : std::uint8_t {
  ended,     ///< its outputs ended before it said where it listens
  given_up,  ///< it printed something else, or nothing in time: the process may still run
};

/// Reads the output of workers: finds the line with their address, then forwards their lines to this process's output
/// as "      From worker 2:\t<line>". One thread, started with the first worker, serves all workers. If nobody reads
/// this process's standard output, the workers that print there wait; other workers, and standard error, continue. All
/// functions may be called on any thread.
class OutputForwarder {
 public:
  using Id = std::uint64_t;
  using Announced = std::function<void(std::string host, int port)>;
  using Failed = std::function<void(StartupFailure why, std::string message)>;
  /// Makes the text to print (without its line end) from a worker's line. If it throws, the prefix is used.
  using Hook = std::function<std::string(Pid worker, bool is_stderr, std::string_view line)>;

  explicit OutputForwarder(int out = STDOUT_FILENO, int err = STDERR_FILENO);
  OutputForwarder(const OutputForwarder&) = delete;
  OutputForwarder& operator=(const OutputForwarder&) = delete;
  /// Calls stop() with two seconds.
  ~OutputForwarder();
  /// Prints everything that has arrived, and waits up to `limit` for a slow reader, but not for one that is gone. Later
  /// output of workers is lost; no callback is called afterwards.
  void stop(Duration limit);

  void set_mode(ForwardMode mode);
  ForwardMode mode() const;
  void set_prefix(ForwardPrefix prefix);
  void set_hook(Hook hook);

  /// Takes ownership of the descriptors of a worker that was just launched. Exactly one of the callbacks is called,
  /// once, on the forwarder's thread, unless the worker is removed before; they must neither block nor throw. The
  /// worker's lines before the announcement are stored: they are printed after it, or are in the message of the
  /// failure. After a failure the descriptors are closed.
  Id watch(WorkerOutput io, Clock::time_point announce_deadline, Announced announced, Failed failed);
  /// Does the same with an id from new_id(), for callers that must know the id before a callback is called.
  void watch(Id id, WorkerOutput io, Clock::time_point announce_deadline, Announced announced, Failed failed);
  Id new_id();
  /// Does the same for a worker whose address is already known.
  Id forward(WorkerOutput io);
  /// Does the same for a worker whose output comes by feed().
  Id forward_fed(Pid pid);
  /// Passes on a piece of its output. @param taken called on the forwarder's thread when there is room for the next
  /// piece, unless the worker is removed before; it must neither block nor throw.
  void feed(Id id, bool is_stderr, std::string piece, std::function<void()> taken);
  /// No more comes of it.
  void end_feed(Id id);
  /// Sets the pid of a worker. Lines of workers without a pid are printed as "From worker startup".
  void set_pid(Id id, Pid pid);
  /// The last lines (up to 20) of its standard error.
  std::string tail(Id id) const;
  /// Waits until all that the worker printed was passed on and its output ended.
  /// @return false: not by the deadline.
  bool drain(Id id, Clock::time_point deadline);
  /// Passes on what the worker printed so far, then closes its descriptors. Returns at once; a callback may be under
  /// way on the forwarder's thread, none starts after this.
  void remove(Id id);

 private:
  struct Stream;
  struct Worker;
  struct Style {
    ForwardMode mode = ForwardMode::all;
    ForwardPrefix prefix = ForwardPrefix::brief;
    std::shared_ptr<const Hook> hook;
  };

  void add(Id id, std::shared_ptr<Worker> worker);
  void wake() const;

  // On the forwarder's thread.
  void run();
  bool take_orders();
  void wait_and_read();
  int timeout() const;
  void read_once(Worker& worker, Stream& stream);
  void take_fed(Worker& worker, bool is_last);
  void take_line(Worker& worker, Stream& stream, std::string_view line);
  void check_startup(Worker& worker);
  void announce(Worker& worker, std::string host, int port);
  void fail(Worker& worker, StartupFailure why, std::string_view what);
  void print(Worker& worker, bool startup, bool is_stderr, std::string_view line);
  void end_stream(Worker& worker, Stream& stream);
  void finish(Worker& worker);
  void note_drained();
  void flush();

  const FileDescriptor wake_;

  mutable detail::Mutex mutex_;  // not held during callbacks, hooks and writes
  detail::ConditionVariable drained_;
  std::map<Id, std::shared_ptr<Worker>> workers_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<Worker>> removed_ COHORT_GUARDED_BY(mutex_);  // for the thread to finish
  bool workers_changed_ COHORT_GUARDED_BY(mutex_) = false;
  bool stop_ COHORT_GUARDED_BY(mutex_) = false;
  Clock::time_point flush_until_ COHORT_GUARDED_BY(mutex_){};  // set with stop_
  Id next_id_ COHORT_GUARDED_BY(mutex_) = 1;
  Style style_ COHORT_GUARDED_BY(mutex_);
  std::thread thread_ COHORT_GUARDED_BY(mutex_);

  // The thread's own.
  OutputSink out_;
  OutputSink err_;
  std::vector<std::shared_ptr<Worker>> current_;
  Style current_style_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace cohort
