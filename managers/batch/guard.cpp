#include "guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include <cohort/error.hpp>

#include "cluster_record.hpp"

namespace cohort::batch {
namespace {

using namespace std::chrono_literals;

constexpr cohort::Duration start_limit = 10s;

// $1: the name. $2: the directory. $4, $5: the record. $3: the pipe, as a file of this process. It opens the pipe
// before it says that it is ready: afterwards this process may be gone.
constexpr const char* guard_script = R"(exec <"$3" 2>/dev/null || exit 1
echo ready
exec >/dev/null
read -r nothing
cancelled=
cancel() { )";
constexpr const char* rest_of_guard_script = R"(
}
cancel "$1"
sleep 1
cancel "$1" && cancelled=yes
rm -rf -- "$2"
[ -z "$cancelled" ] || rm -f -- "$4" "$5"
)";

bool is_ready(int out) {
  pollfd output{out, POLLIN, 0};
  const auto deadline = cohort::deadline_after(start_limit);
  char byte = 0;
  while (::poll(&output, 1, cohort::poll_timeout(deadline)) < 0 && errno == EINTR) {
  }
  return (output.revents & POLLIN) != 0 && ::read(out, &byte, 1) == 1;
}

}  // namespace

Guard::Guard(const std::string& cancel, const std::string& name, const std::filesystem::path& directory,
             const std::filesystem::path& record) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw cohort::Error("no pipe for the guard of jobs: " + std::generic_category().message(errno));
  const cohort::FileDescriptor read_end(ends[0]);
  watched_.reset(ends[1]);
  cohort::SpawnOptions spawn;
  spawn.command = {"/bin/sh",
                   "-c",
                   std::string(guard_script) + (cancel.empty() ? ":" : cancel) + rest_of_guard_script,
                   "cohort-guard",
                   name,
                   directory.string(),
                   "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(read_end.get()),
                   record.string(),
                   unfinished_record(record)};
  process_.emplace(cohort::ChildProcess::spawn(spawn));
  if (!is_ready(process_->out()))
    throw cohort::Error("the process that would cancel the jobs, if this one were killed, does not start");
}

Guard::~Guard() {
  if (process_) process_->signal(SIGKILL);
}

}  // namespace cohort::batch
