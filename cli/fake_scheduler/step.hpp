#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "job.hpp"
#include "loop.hpp"

namespace cohort::fake_scheduler {

/// Processes that are started together on hosts of a job, and whose input and output one command passes on.
struct StepSpec {
  std::vector<std::string> command;
  std::string dir;
  std::vector<std::string> environment;  ///< of all tasks
  /// More of it, for one task.
  std::function<std::vector<std::string>(int task, const Place& place, int task_on_host)> task_environment;
  std::vector<Place> places;
  mode_t umask = 022;
  bool has_input = true;
  /// What is said of a command that cannot be started on a host.
  std::function<std::string(const std::string& host, const std::string& why)> cannot_start;
};

class Step {
 public:
  struct Task {
    int number = 0;
    std::string host;
    pid_t pid = -1;
    int wait_status = 0;
    bool running = false;
    Stream *input = nullptr, *output = nullptr, *error = nullptr;

    bool over() const { return !running && output == nullptr && error == nullptr; }
  };
  /// What whoever started it learns. None may be empty.
  struct Events {
    std::function<void(const Task&, bool is_error, std::string_view)> printed;
    std::function<void(const Task&)> ended;  ///< and its output, too
    std::function<void()> all_ended;
  };

  Step(uv_loop_t* loop, Children& children, StepSpec spec, Events events)
      : loop_(loop), children_(children), spec_(std::move(spec)), events_(std::move(events)) {}
  ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  /// Starts all tasks. One that cannot be started ends with what the shell says of it.
  /// @param mark of the processes on a host.
  void start(const std::function<std::string(const std::string& host)>& mark);
  /// To all tasks. An empty text is the end of their input.
  void write_input(std::string_view bytes);
  /// What they have not taken yet, the slowest of them.
  std::size_t input_backlog() const;
  void on_input_drained(std::function<void()> drained) { drained_ = std::move(drained); }
  void pause_output();
  void resume_output();
  void signal(int number) const;
  const std::vector<Task>& tasks() const { return tasks_; }
  const StepSpec& spec() const { return spec_; }
  /// They had to end: what still holds their output is not waited for.
  void let_go_of_output();

 private:
  void start(Task& task, const std::vector<std::string>& environment);
  void read(Task& task, Stream* Task::*stream, bool is_error);
  void look(Task& task);

  uv_loop_t* const loop_;
  Children& children_;
  const StepSpec spec_;
  const Events events_;
  std::vector<Task> tasks_;
  std::size_t over_ = 0;
  std::function<void()> drained_;
};

/// The program as a path, searched in the PATH of that environment; empty: it is not there.
std::string find_program(const std::string& program, const std::vector<std::string>& environment,
                         const std::string& dir);

/// Sets a variable, in place of one of that name.
void set_variable(std::vector<std::string>& environment, std::string_view name, std::string_view value);
void remove_variables(std::vector<std::string>& environment, const std::vector<std::string_view>& prefixes);

}  // namespace cohort::fake_scheduler
