#include "step.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <cohort/file_descriptor.hpp>

#include "processes.hpp"
#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) < 0) return;
    reading.reset(ends[0]);
    writing.reset(ends[1]);
  }
  FileDescriptor reading, writing;
};

void close(Stream*& stream) {
  if (stream != nullptr) std::exchange(stream, nullptr)->close();
}

}  // namespace

Step::~Step() {
  for (Task& task : tasks_) {
    if (task.running) children_.forget(task.pid);
    close(task.input);
    close(task.output);
    close(task.error);
  }
}

void Step::start(const std::function<std::string(const std::string& host)>& mark) {
  int number = 0;
  for (const Place& place : spec_.places)
    for (int i = 0; i < place.tasks; i++) tasks_.push_back({.number = number++, .host = place.host});
  number = 0;
  for (const Place& place : spec_.places) {
    for (int i = 0; i < place.tasks; i++, number++) {
      auto environment = spec_.environment;
      for (const auto& entry : spec_.task_environment(number, place, i)) {
        const auto equals = entry.find('=');
        set_variable(environment, entry.substr(0, equals), entry.substr(equals + 1));
      }
      set_variable(environment, mark_variable, mark(place.host));
      start(tasks_[static_cast<std::size_t>(number)], environment);
    }
  }
}

void Step::start(Task& task, const std::vector<std::string>& environment) {
  Pipe input, output, error;
  ProcessSpec process;
  process.command = spec_.command;
  process.dir = spec_.dir;
  process.environment = environment;
  process.umask = spec_.umask;
  process.input = spec_.has_input ? input.reading.get() : -1;
  process.output = output.writing.get();
  process.error = error.writing.get();
  const std::string program = find_program(spec_.command.at(0), environment, spec_.dir);
  if (!program.empty()) process.command[0] = program;
  task.pid = program.empty() ? -ENOENT : start_process(process);
  if (task.pid < 0) {
    const std::string why = std::generic_category().message(-task.pid);
    task.wait_status = 2 << 8;
    events_.printed(task, true, spec_.cannot_start(task.host, why));
  } else {
    task.running = true;
    children_.watch(task.pid, [this, &task](int status) {
      task.running = false;
      task.wait_status = status;
      close(task.input);
      look(task);
    });
    if (spec_.has_input) task.input = Stream::open(loop_, input.writing.release());
    if (task.input != nullptr)
      task.input->on_drained([this] {
        if (drained_ && input_backlog() == 0) drained_();
      });
  }
  task.output = Stream::open(loop_, output.reading.release());
  task.error = Stream::open(loop_, error.reading.release());
  read(task, &Task::output, false);
  read(task, &Task::error, true);
}

void Step::read(Task& task, Stream* Task::*stream, bool is_error) {
  if (task.*stream == nullptr) return;
  (task.*stream)->read([this, &task, stream, is_error](std::string_view bytes) {
    if (!bytes.empty()) return events_.printed(task, is_error, bytes);
    close(task.*stream);
    look(task);
  });
}

// The last thing that is done: the events may be the end of this object.
void Step::look(Task& task) {
  if (!task.over()) return;
  over_++;
  const bool all = over_ == tasks_.size();
  const auto all_ended = events_.all_ended;
  events_.ended(task);
  if (all) all_ended();
}

void Step::write_input(std::string_view bytes) {
  for (Task& task : tasks_) {
    if (bytes.empty())
      close(task.input);
    else if (task.input != nullptr)
      task.input->write(bytes);
  }
}

std::size_t Step::input_backlog() const {
  std::size_t most = 0;
  for (const Task& task : tasks_)
    if (task.input != nullptr) most = std::max(most, task.input->backlog());
  return most;
}

void Step::pause_output() {
  for (Task& task : tasks_)
    for (Stream* stream : {task.output, task.error})
      if (stream != nullptr) stream->pause();
}

void Step::resume_output() {
  for (Task& task : tasks_)
    for (Stream* stream : {task.output, task.error})
      if (stream != nullptr) stream->resume();
}

void Step::signal(int number) const {
  for (const Task& task : tasks_)
    if (task.running) ::kill(-task.pid, number);
}

void Step::let_go_of_output() {
  for (std::size_t i = 0; i < tasks_.size(); i++) {
    Task& task = tasks_[i];
    if (task.running || task.over()) continue;
    const bool last = over_ + 1 == tasks_.size();
    close(task.output);
    close(task.error);
    look(task);
    if (last) return;
  }
}

std::string find_program(const std::string& program, const std::vector<std::string>& environment,
                         const std::string& dir) {
  const auto in_dir = [&](const std::string& path) { return path.starts_with('/') ? path : dir + "/" + path; };
  if (program.find('/') != program.npos) {
    const std::string path = in_dir(program);
    return ::access(path.c_str(), X_OK) == 0 ? path : "";
  }
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& entry : environment)
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  for (const std::string_view directory : split(path, ':')) {
    const std::string candidate = in_dir(std::string(directory.empty() ? "." : directory) + "/" + program);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

void set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value) {
  const std::string prefix = std::string(name) + "=";
  std::erase_if(environment, [&](const std::string& entry) { return entry.starts_with(prefix); });
  environment.push_back(prefix + std::string(value));
}

void remove_variables(std::vector<std::string>& environment, const std::vector<std::string_view>& prefixes) {
  std::erase_if(environment, [&](const std::string& entry) {
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return entry.starts_with(prefix); });
  });
}

}  // namespace cohort::fake_scheduler
