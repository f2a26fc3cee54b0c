#include "io/output_forwarder.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/start_thread.hpp>

#include "base/log.hpp"
#include "base/process_settings.hpp"
#include "base/text.hpp"
#include "io/announcement.hpp"
#include "io/line_splitter.hpp"
#include "io/startup_output.hpp"

namespace cohort {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view prefix_start = "      From worker ";
constexpr std::size_t tail_lines = 20;
constexpr std::size_t buffer_size = 64 * 1024;  // what a pipe holds
// A worker whose standard output ended has no more than this long to tell on standard error why.
constexpr Duration last_words_wait = 1s;
constexpr Duration exit_flush_wait = 2s;

}  // namespace

struct OutputForwarder::Stream {
  bool is_stderr;
  FileDescriptor descriptor;  // empty: it has ended, or is fed
  LineSplitter lines;
};

struct OutputForwarder::Worker {
  enum class Phase { starting, forwarding, failed };

  explicit Worker(WorkerOutput io) : streams{{false, FileDescriptor(io.out), {}}, {true, FileDescriptor(io.err), {}}} {
    for (const Stream& stream : streams)
      if (stream.descriptor) make_nonblocking_cloexec(stream.descriptor.get());
  }
  bool ended() const { return !streams[0].descriptor && !streams[1].descriptor && !fed; }

  std::atomic<Pid> pid{no_pid};

  // Guarded by the forwarder's mutex.
  bool removed = false;
  bool drained = false;
  std::deque<std::string> tail;
  struct Piece {
    std::string text;
    std::function<void()> taken;
  };
  std::deque<Piece> pieces[2];  // fed, and not taken yet
  bool feed_ends = false;

  // The thread's own, once it was added.
  Phase phase = Phase::forwarding;
  bool fed = false;  // more may come by feed()
  Stream streams[2];
  Clock::time_point deadline = Clock::time_point::max();  // for the announcement
  Clock::time_point last_words_until = Clock::time_point::max();
  Announced announced;
  Failed failed;
  StartupOutput startup;
  std::uint64_t printed_to[2] = {0, 0};  // how far the sinks must have come for all of it to be out
  Pid prefix_pid = no_pid;
  std::string prefix;  // for prefix_pid
};

OutputForwarder::OutputForwarder(int out, int err)
    : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), out_(out), err_(err) {
  if (!wake_) throw Error("cannot make an eventfd: " + errno_text(errno), ErrorKind::overloaded);
}

OutputForwarder::~OutputForwarder() { stop(exit_flush_wait); }

void OutputForwarder::stop(Duration limit) {
  std::thread thread;  // none is started after stop_
  {
    const detail::MutexLock lock(mutex_);
    stop_ = true;
    flush_until_ = deadline_after(limit);
    thread.swap(thread_);
  }
  wake();
  if (thread.joinable()) thread.join();
}

void OutputForwarder::set_mode(ForwardMode mode) {
  const detail::MutexLock lock(mutex_);
  style_.mode = mode;
}

ForwardMode OutputForwarder::mode() const {
  const detail::MutexLock lock(mutex_);
  return style_.mode;
}

void OutputForwarder::set_prefix(ForwardPrefix prefix) {
  const detail::MutexLock lock(mutex_);
  style_.prefix = prefix;
}

void OutputForwarder::set_hook(Hook hook) {
  const detail::MutexLock lock(mutex_);
  style_.hook = hook ? std::make_shared<const Hook>(std::move(hook)) : nullptr;
}

OutputForwarder::Id OutputForwarder::watch(WorkerOutput io, Clock::time_point announce_deadline, Announced announced,
                                           Failed failed) {
  const Id id = new_id();
  watch(id, io, announce_deadline, std::move(announced), std::move(failed));
  return id;
}

void OutputForwarder::watch(Id id, WorkerOutput io, Clock::time_point announce_deadline, Announced announced,
                            Failed failed) {
  auto worker = std::make_shared<Worker>(io);
  worker->phase = Worker::Phase::starting;
  worker->deadline = announce_deadline;
  worker->announced = std::move(announced);
  worker->failed = std::move(failed);
  add(id, std::move(worker));
}

OutputForwarder::Id OutputForwarder::forward(WorkerOutput io) {
  const Id id = new_id();
  add(id, std::make_shared<Worker>(io));
  return id;
}

OutputForwarder::Id OutputForwarder::forward_fed(Pid pid) {
  const Id id = new_id();
  auto worker = std::make_shared<Worker>(WorkerOutput{});
  worker->fed = true;
  worker->pid = pid;
  add(id, std::move(worker));
  return id;
}

void OutputForwarder::feed(Id id, bool is_stderr, std::string piece, std::function<void()> taken) {
  {
    const detail::MutexLock lock(mutex_);
    const auto found = workers_.find(id);
    if (found == workers_.end()) return;
    found->second->pieces[is_stderr].push_back({std::move(piece), std::move(taken)});
  }
  wake();
}

void OutputForwarder::end_feed(Id id) {
  {
    const detail::MutexLock lock(mutex_);
    const auto found = workers_.find(id);
    if (found == workers_.end()) return;
    found->second->feed_ends = true;
  }
  wake();
}

OutputForwarder::Id OutputForwarder::new_id() {
  const detail::MutexLock lock(mutex_);
  return next_id_++;
}

void OutputForwarder::add(Id id, std::shared_ptr<Worker> worker) {
  {
    const detail::MutexLock lock(mutex_);
    if (!thread_.joinable() && !stop_) thread_ = start_thread("forward what workers print", [this] { run(); });
    workers_.emplace(id, std::move(worker));
    workers_changed_ = true;
  }
  wake();
}

void OutputForwarder::wake() const { ::eventfd_write(wake_.get(), 1); }

void OutputForwarder::set_pid(Id id, Pid pid) {
  const detail::MutexLock lock(mutex_);
  if (const auto found = workers_.find(id); found != workers_.end()) found->second->pid = pid;
}

std::string OutputForwarder::tail(Id id) const {
  const detail::MutexLock lock(mutex_);
  const auto found = workers_.find(id);
  return found == workers_.end() ? "" : fmt::format("{}", fmt::join(found->second->tail, "\n"));
}

bool OutputForwarder::drain(Id id, Clock::time_point deadline) {
  detail::MutexLock lock(mutex_);
  const auto found = workers_.find(id);
  if (found == workers_.end()) return true;
  const auto worker = found->second;
  while (!worker->drained) {
    if (Clock::now() >= deadline) return false;
    drained_.wait_until(mutex_, deadline);
  }
  return true;
}

void OutputForwarder::remove(Id id) {
  {
    const detail::MutexLock lock(mutex_);
    auto found = workers_.extract(id);
    if (!found) return;
    found.mapped()->removed = true;
    removed_.push_back(std::move(found.mapped()));
    workers_changed_ = true;
  }
  wake();
}

void OutputForwarder::run() {
  // No signal handler of the program runs here, and a broken pipe is an error value.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  try {
    buffer_.reset(new char[buffer_size]);
    while (take_orders()) {
      // Before the wait: what woke this thread may be over by then.
      for (const auto& worker : current_) check_startup(*worker);
      bool go_on;
      do {
        for (const auto& worker : current_) take_fed(*worker, false);
        const bool out_was_full = out_.full(), err_was_full = err_.full();
        out_.write_ready();
        err_.write_ready();
        go_on = (out_was_full && !out_.full()) || (err_was_full && !err_.full());  // there is room for what waits
      } while (go_on);
      note_drained();
      wait_and_read();
    }
    flush();
  } catch (...) {
    log_error("what workers print is not passed on any more: " + message_of(std::current_exception()));
  }
}

// Takes over what other threads asked for. False: it is time to end.
bool OutputForwarder::take_orders() {
  std::vector<std::shared_ptr<Worker>> removed;
  bool go_on;
  {
    const detail::MutexLock lock(mutex_);
    removed.swap(removed_);
    current_style_ = style_;
    go_on = !stop_;
    if (std::exchange(workers_changed_, false)) {
      current_.clear();
      for (const auto& [id, worker] : workers_) current_.push_back(worker);
    }
  }
  for (const auto& worker : removed) finish(*worker);
  return go_on;
}

void OutputForwarder::wait_and_read() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0}};
  std::vector<std::pair<Worker*, Stream*>> readers;
  for (const auto& worker : current_) {
    for (Stream& stream : worker->streams) {
      const bool has_room = worker->phase == Worker::Phase::starting || !(stream.is_stderr ? err_.full() : out_.full());
      if (!stream.descriptor || !has_room) continue;
      polled.push_back({stream.descriptor.get(), POLLIN, 0});
      readers.emplace_back(worker.get(), &stream);
    }
  }
  for (const OutputSink* sink : {&out_, &err_})
    if (!sink->empty()) polled.push_back({sink->descriptor(), POLLOUT, 0});

  if (::poll(polled.data(), polled.size(), timeout()) <= 0) return;
  if (polled[0].revents != 0) {
    eventfd_t ignored;
    ::eventfd_read(wake_.get(), &ignored);
  }
  // Backwards, and so standard error first: poll() looked at it last, so what a worker printed there before something
  // else is read before that.
  for (std::size_t i = readers.size(); i-- > 0;)
    if (polled[i + 1].revents != 0) read_once(*readers[i].first, *readers[i].second);
}

int OutputForwarder::timeout() const {
  auto next = Clock::time_point::max();
  for (const auto& worker : current_)
    if (worker->phase == Worker::Phase::starting) next = std::min({next, worker->deadline, worker->last_words_until});
  return next == Clock::time_point::max() ? -1 : poll_timeout(next);
}

void OutputForwarder::read_once(Worker& worker, Stream& stream) {
  if (!stream.descriptor) return;  // ended by a line of the worker's other stream
  const ssize_t count = ::read(stream.descriptor.get(), buffer_.get(), buffer_size);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) return end_stream(worker, stream);
  stream.lines.add({buffer_.get(), static_cast<std::size_t>(count)},
                   [&](std::string_view line) { take_line(worker, stream, line); });
}

void OutputForwarder::take_fed(Worker& worker, bool is_last) {
  if (!worker.fed) return;
  bool ends = false;
  for (Stream& stream : worker.streams) {
    const auto take = [&](std::string_view line) { take_line(worker, stream, line); };
    while (is_last || !(stream.is_stderr ? err_.full() : out_.full())) {
      Worker::Piece piece;
      {
        const detail::MutexLock lock(mutex_);
        auto& pieces = worker.pieces[stream.is_stderr];
        if (pieces.empty()) break;
        piece = std::move(pieces.front());
        pieces.pop_front();
      }
      stream.lines.add(piece.text, take);
      if (!is_last) piece.taken();
    }
  }
  {
    const detail::MutexLock lock(mutex_);
    ends = worker.feed_ends && worker.pieces[0].empty() && worker.pieces[1].empty();
  }
  if (!ends) return;
  worker.fed = false;
  for (Stream& stream : worker.streams)
    stream.lines.finish([&](std::string_view line) { take_line(worker, stream, line); });
}

void OutputForwarder::take_line(Worker& worker, Stream& stream, std::string_view line) {
  if (worker.phase == Worker::Phase::failed) return;
  if (stream.is_stderr) {
    const detail::MutexLock lock(mutex_);
    worker.tail.push_back(excerpt(line, longest_quoted_line));
    if (worker.tail.size() > tail_lines) worker.tail.pop_front();
  }
  if (worker.phase == Worker::Phase::forwarding) return print(worker, false, stream.is_stderr, line);
  if (!stream.is_stderr) {
    if (const auto before = find_announcement(line)) {
      if (*before > 0) worker.startup.add(false, line.substr(0, *before));
      auto found = parse_announcement(line.substr(*before));
      return announce(worker, std::move(found->host), found->port);
    }
  }
  worker.startup.add(stream.is_stderr, line);
  if (worker.startup.unexpected())
    return fail(worker, StartupFailure::given_up,
                "Unexpected output from worker launch command. Host:port string not found.");
  while (worker.startup.stderr_overflows()) {
    const auto oldest = worker.startup.take_oldest();
    print(worker, true, oldest.is_stderr, oldest.text);
  }
}

void OutputForwarder::announce(Worker& worker, std::string host, int port) {
  worker.phase = Worker::Phase::forwarding;
  while (!worker.startup.empty()) {
    const auto line = worker.startup.take_oldest();
    print(worker, true, line.is_stderr, line.text);
  }
  {
    const detail::MutexLock lock(mutex_);
    if (worker.removed) return;
  }
  std::exchange(worker.announced, nullptr)(std::move(host), port);
}

void OutputForwarder::fail(Worker& worker, StartupFailure why, std::string_view what) {
  worker.phase = Worker::Phase::failed;
  for (Stream& stream : worker.streams) stream.descriptor.reset();
  {
    const detail::MutexLock lock(mutex_);
    if (worker.removed) return;
  }
  std::exchange(worker.failed, nullptr)(why, worker.startup.failure(what));
}

void OutputForwarder::check_startup(Worker& worker) {
  if (worker.phase != Worker::Phase::starting) return;
  const auto now = Clock::now();
  if (worker.ended() || (!worker.streams[0].descriptor && now >= worker.last_words_until)) {
    fail(worker, StartupFailure::ended,
         "Unable to read host:port string from worker. Launch command exited with error?");
  } else if (now >= worker.deadline) {
    for (Stream& stream : worker.streams) {
      stream.lines.finish([&](std::string_view line) { worker.startup.add(stream.is_stderr, line); });
    }
    fail(worker, StartupFailure::given_up, "Timed out waiting to read host:port string from worker.");
  }
}

void OutputForwarder::print(Worker& worker, bool startup, bool is_stderr, std::string_view line) {
  if (current_style_.mode == ForwardMode::none) return;
  if (current_style_.mode == ForwardMode::only_stderr && !is_stderr) return;
  OutputSink& sink = is_stderr ? err_ : out_;
  const Pid pid = startup ? no_pid : worker.pid.load();
  if (line.starts_with(prefix_start)) {  // by a worker that forwards another one's
    sink.append("", line);
  } else {
    std::optional<std::string> rewritten;
    if (current_style_.hook && pid != no_pid) {
      try {
        rewritten = (*current_style_.hook)(pid, is_stderr, line);
      } catch (...) {  // a broken hook must not cost the line
      }
    }
    if (worker.prefix.empty() || worker.prefix_pid != pid) {
      worker.prefix_pid = pid;
      worker.prefix = fmt::format("{}{}:\t", prefix_start, pid == no_pid ? "startup" : std::to_string(pid));
    }
    if (rewritten) {
      sink.append("", *rewritten);
    } else {
      sink.append(current_style_.prefix == ForwardPrefix::none ? "" : worker.prefix, line);
    }
  }
  worker.printed_to[is_stderr] = sink.appended();
}

void OutputForwarder::end_stream(Worker& worker, Stream& stream) {
  if (!stream.descriptor) return;
  stream.descriptor.reset();
  stream.lines.finish([&](std::string_view line) {
    // An address without a line end was cut off: it is no announcement.
    if (worker.phase == Worker::Phase::starting) {
      worker.startup.add(stream.is_stderr, line);
    } else {
      take_line(worker, stream, line);
    }
  });
  if (!stream.is_stderr) worker.last_words_until = Clock::now() + last_words_wait;
}

// Passes on what a removed worker, which may still run, printed so far. The sum is limited: it may print for ever.
void OutputForwarder::finish(Worker& worker) {
  for (Stream& stream : worker.streams) {
    for (int reads = 0; stream.descriptor && reads < 16; ++reads) {
      pollfd ready{stream.descriptor.get(), POLLIN, 0};
      if (::poll(&ready, 1, 0) <= 0) break;
      read_once(worker, stream);
    }
    end_stream(worker, stream);
  }
  if (worker.fed) {
    {
      const detail::MutexLock lock(mutex_);
      worker.feed_ends = true;
    }
    take_fed(worker, true);
  }
  const detail::MutexLock lock(mutex_);
  worker.drained = true;
  drained_.notify_all();
}

void OutputForwarder::note_drained() {
  for (const auto& worker : current_) {
    if (!worker->ended() || worker->phase == Worker::Phase::starting) continue;
    if (worker->printed_to[0] > out_.written() || worker->printed_to[1] > err_.written()) continue;
    const detail::MutexLock lock(mutex_);
    if (!std::exchange(worker->drained, true)) drained_.notify_all();
  }
}

void OutputForwarder::flush() {
  Clock::time_point deadline;
  {
    const detail::MutexLock lock(mutex_);
    deadline = flush_until_;
    for (const auto& worker : current_) worker->removed = true;
  }
  for (const auto& worker : current_) finish(*worker);
  while (!out_.empty() || !err_.empty()) {
    out_.write_ready();
    err_.write_ready();
    pollfd ready[2] = {{out_.empty() ? -1 : out_.descriptor(), POLLOUT, 0},
                       {err_.empty() ? -1 : err_.descriptor(), POLLOUT, 0}};
    const int left = poll_timeout(deadline);
    if (left == 0) break;
    if (ready[0].fd >= 0 || ready[1].fd >= 0) ::poll(ready, 2, left);
  }
}

}  // namespace cohort
