#pragma once

// The bodies of frames about membership. Plain aggregates: their fields, in order, are the wire format.

#include <cstdint>
#include <string>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/error.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/types.hpp>

#include "membership/member_info.hpp"
#include "wire/frame.hpp"

namespace cohort {

/// Worker to master, first of all on a connection that the worker made: asks to join. Join follows when it is its turn.
struct Arrive {
  std::string address;  ///< at which it listens for other workers; "" if it does not listen
};

/// A `status` frame, worker to master, is the text of setstatus(), of at most so many bytes. It is not answered.
inline constexpr std::size_t longest_status = 1000;

/// Master to worker: tells the worker its identity. Answered by a result with Joined.
struct Join {
  std::int32_t pid = 0;
  std::uint64_t epoch = 0;
  std::string topology;  ///< as in the cluster file
  bool lazy = true;
  bool relay = false;  ///< what goes to a worker that is not connected passes through the master
  std::int32_t slots = 1;
  Timeouts timeouts;
  std::vector<MemberInfo> members;
  IdsGiven ids;
  std::vector<std::int32_t> dial;  ///< workers to connect to before answering
  std::int32_t master_ospid = 0;   ///< process id of the master
  std::string master_host;         ///< where that id means something: process_space()
  bool send_output = false;        ///< what the worker prints comes by `output` frames: nobody else brings it
};

/// The flag of an `output` frame, worker to master: which of its outputs the body comes from. Answered by an empty
/// result when there is room for the next piece; a worker sends one piece of each output at a time.
enum OutputFlag : std::uint8_t { output_out = 0, output_err = 1 };

struct Joined {
  std::int32_t cpu_threads = 1;
  std::int32_t ospid = 0;
  std::string host;  ///< host_id()
};

/// Master to workers. Answered by an empty result.
struct MembersChange {
  struct Removed {
    std::int32_t pid = 0;
    std::string cause;  ///< of its end
  };
  std::uint64_t epoch = 0;
  std::vector<MemberInfo> added;
  std::vector<Removed> removed;
  std::vector<std::int32_t> draining;    ///< get no new work from now on
  std::vector<std::int32_t> used_again;  ///< get it again
};

/// Flags of a `drain` frame. Those from master to worker are answered by a result with Unfinished.
enum DrainFlag : std::uint8_t {
  drain_begin = 0,  ///< answered when nothing is unfinished, or with the next one
  drain_stop = 1,   ///< answered at once
  drain_wanted = 2  ///< worker to master: a signal, whose name is the body, wants its end
};

/// What a worker still does for others.
struct Unfinished {
  std::int32_t calls = 0;
  std::uint64_t values = 0;           ///< that others hold
  std::vector<std::int32_t> holders;  ///< of these values, in ascending order
};

/// Worker to master: asks whether a process is gone. A worker that loses another, or cannot reach it, notices that
/// first, but the master learns the cause. Answered by a result with Fate, when the process has answered the master or
/// is gone.
struct AskFate {
  std::int32_t pid = 0;
};

struct Fate {
  bool gone = false;
  std::string cause;  ///< of its end, if gone
};

/// Worker to master, which forwards it to the worker that must dial: connect to `to`. Answered by a result, when
/// connected.
struct Dial {
  std::int32_t from = 0;
  std::int32_t to = 0;
};

/// Master to the first worker of a host: start more workers there. Answered by a result with Launched.
struct Launch {
  std::string exename;
  std::vector<std::string> exeflags;
  std::vector<std::int32_t> pids;  ///< ids they will have, for the prefix of their output
  std::int64_t timeout_nanoseconds = 0;
};

struct Launched {
  struct Worker {
    std::string host;
    std::int32_t port = 0;
    std::int32_t ospid = 0;
    std::string error;   ///< not empty: it did not come up
    bool ended = false;  ///< then: its outputs ended, so that it is about to, or did
  };
  std::vector<Worker> workers;
};

/// From the master to the first worker of a host, about a worker that it started. The answer is a result with
/// WorkerExit.
struct ReapWorker {
  std::int32_t pid = 0;
  bool terminate = false;  ///< SIGTERM, then SIGKILL, as the timeouts say; else it is only asked why it ended
};

struct WorkerExit {
  std::string cause;  ///< "exited with code 3"; empty: it still runs
};

template <class T>
Payload to_payload(const T& message) {
  Payload payload;
  OutArchive archive(payload);
  archive(message);
  payload.own();
  return payload;
}

/// @throws BadMessage.
template <class T>
T from_frame(Frame&& frame) {
  Payload payload;
  payload.body = std::move(frame.body);
  payload.segments = std::move(frame.segments);
  T message{};
  InArchive archive(payload);
  archive(message);
  archive.finish();
  return message;
}

}  // namespace cohort
