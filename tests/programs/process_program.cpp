// A master that says what it finds in its process, and what becomes of that. The first argument says what is looked at;
// the tests are in cluster/process_test.cpp.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// As a library's banner, or a static object of the program.
const int banner = std::getenv("COHORT_TEST_BANNER") != nullptr ? std::printf("Loading ... ") : 0;

std::vector<std::string> arguments;

template <class F>
std::string thrown_by(F&& body) {
  try {
    body();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing";
}

int how_it_ended(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int one() { return 1; }

void say_one(cohort::Pid pid) {
  const int answer = cohort::remotecall_fetch(cohort::fn<one>, pid);
  std::cout << "the worker answers " << answer << std::endl;
}

// --- Descriptors. ---

std::string standard_descriptors() {
  std::string text;
  for (int number = 0; number < 3; number++) {
    std::error_code none;
    text += ' ' + fs::read_symlink("/proc/self/fd/" + std::to_string(number), none).string();
  }
  return text;
}

void say_descriptors() {
  const auto pid = cohort::addprocs(1).front();
  std::ofstream(arguments[0]) << standard_descriptors() << " |"
                              << cohort::remotecall_fetch(cohort::fn<standard_descriptors>, pid);
}

std::uint64_t soft_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

std::string limit_of_a_program() {
  cohort::SpawnOptions spawn;
  spawn.command = {"/bin/sh", "-c", "ulimit -n"};
  auto child = cohort::ChildProcess::spawn(spawn);
  std::string text(100, '\0');
  text.resize(static_cast<std::size_t>(read(child.out(), text.data(), text.size())));
  child.wait_until(cohort::deadline_after(20s));
  return text;
}

void say_limits() {
  const auto pid = cohort::addprocs(1).front();
  std::cout << "master " << soft_limit() << "\nworker " << cohort::remotecall_fetch(cohort::fn<soft_limit>, pid)
            << "\nprogram " << limit_of_a_program() << "program of the worker "
            << cohort::remotecall_fetch(cohort::fn<limit_of_a_program>, pid) << std::flush;
  if (const pid_t child = fork(); child == 0) {
    std::cout << "fork " << soft_limit() << std::endl;
    _exit(0);
  } else {
    how_it_ended(child);
  }
}

// --- Signals. ---

int pipeline() { return std::system("yes | head -1 > /dev/null"); }

std::string write_to_nobody() {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  close(ends[0]);
  const bool refused = write(ends[1], "x", 1) < 0 && errno == EPIPE;
  close(ends[1]);
  return refused ? "EPIPE" : "written";
}

void say_broken_pipes() {
  const auto pid = cohort::addprocs(1).front();
  pipeline();
  cohort::remotecall_fetch(cohort::fn<pipeline>, pid);
  std::cout << write_to_nobody() << ' ' << cohort::remotecall_fetch(cohort::fn<write_to_nobody>, pid) << std::endl;
}

void own_handler(int) {}

void say_handler() {
  struct sigaction now {};
  sigaction(SIGPIPE, nullptr, &now);
  std::cout << (now.sa_handler == own_handler ? "its own" : "another") << std::endl;
}

void say_cause_of_death() {
  const auto pid = cohort::addprocs(1).front();
  std::cout << thrown_by([&] { cohort::remotecall_fetch([] { raise(SIGKILL); }, pid); }) << std::endl;
}

// --- Stack. ---

std::size_t use_stack(std::size_t bytes) {
  volatile char block[64 * 1024];
  block[0] = static_cast<char>(bytes);
  return bytes <= sizeof block ? static_cast<std::size_t>(block[0] != 1)
                               : use_stack(bytes - sizeof block) + (block[0] != 1);
}

void say_stack() {
  const auto pid = cohort::addprocs(1).front();
  cohort::remotecall_fetch(cohort::fn<use_stack>, pid, std::size_t{6} << 20);
  std::cout << "6 MiB" << std::endl;
}

// --- Being stopped. ---

cohort::Pid add_watched_worker() {
  cohort::AddprocsOptions options;
  options.timeouts = cohort::Timeouts{.heartbeat = 100ms, .suspect = 500ms, .dead = 1500ms};
  if (!arguments.empty()) options.exename = arguments[0];
  return cohort::addprocs(1, options).front();
}

// Until SIGUSR1.
void wait_to_go_on() {
  const auto pid = add_watched_worker();
  std::cout << cohort::remotecall_fetch([] { return static_cast<int>(getpid()); }, pid) << std::endl;
  int signal = 0;
  sigset_t wanted;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR1);
  sigwait(&wanted, &signal);
  say_one(pid);
}

// --- Others. ---

// With arguments: of a manager, and its options.
void replace_program() {
  const auto program = fs::read_symlink("/proc/self/exe");
  const auto add = [] {
    return arguments.empty() ? cohort::addprocs(1).front() : cohort::addprocs(arguments.at(0), arguments.at(1)).front();
  };
  say_one(add());
  fs::copy_file(program, program.string() + ".new");  // a linker, make install and rsync do it like this
  fs::rename(program.string() + ".new", program);
  say_one(add());
  fs::remove(program);
  say_one(add());
}

void make_another_session(int argc, char** argv) {
  const auto pid = cohort::addprocs(1).front();
  std::cout << thrown_by([&] { cohort::Session another(argc, argv); }) << std::endl;
  say_one(pid);
}

// The child does what its parent does: calls, throws, returns from main with handles in hand.
int fork_in_master() {
  const auto pid = cohort::addprocs(1).front();
  const auto future = cohort::remotecall([] { return std::vector<int>(10'000); }, pid);  // stays there until fetched
  const cohort::RemoteChannel<int> channel(pid);
  if (const pid_t child = fork(); child != 0) {
    std::cout << "the child ended with " << how_it_ended(child) << std::endl;
    say_one(pid);
    return 0;
  }
  std::cout << "called: " << thrown_by([&] { say_one(pid); }) << '\n'
            << "fetched: " << thrown_by([&] { future.fetch(); }) << '\n'
            << "removed: " << thrown_by([&] { cohort::rmprocs(pid); }) << std::endl;
  return 5;
}

int returns_in_a_child() {
  const pid_t child = fork();
  return child == 0 ? 1 : 100 + how_it_ended(child);
}

int throws_in_a_child() {
  const pid_t child = fork();
  if (child == 0) throw cohort::Error("in the child");
  return 100 + how_it_ended(child);
}

void fork_in_worker() {
  const auto pid = cohort::addprocs(1).front();
  std::cout << "returned: " << cohort::remotecall_fetch(cohort::fn<returns_in_a_child>, pid)
            << "\nthrew: " << cohort::remotecall_fetch(cohort::fn<throws_in_a_child>, pid) << std::endl;
  say_one(pid);
}

void use_broker() {
  cohort::addprocs("zmq", R"({"count": 1, "listen": "ipc://)" + arguments[0] + R"("})");
  std::cout << "ready" << std::endl;
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "handler") signal(SIGPIPE, own_handler);
  if (task == "stop") {
    sigset_t later;
    sigemptyset(&later);
    sigaddset(&later, SIGUSR1);
    sigprocmask(SIG_BLOCK, &later, nullptr);
  }
  cohort::Session session(argc, argv);
  arguments.assign(argv + std::min(argc, 2), argv + argc);
  if (task == "fork") return fork_in_master();
  const std::map<std::string, std::function<void()>> tasks = {
      {"answer", [] { say_one(cohort::addprocs(1).front()); }},
      {"descriptors", say_descriptors},
      {"limits", say_limits},
      {"broken-pipes", say_broken_pipes},
      {"handler", say_handler},
      {"cause", say_cause_of_death},
      {"stack", say_stack},
      {"stop", wait_to_go_on},
      {"replace", replace_program},
      {"another-session", [&] { make_another_session(argc, argv); }},
      {"fork-in-worker", fork_in_worker},
      {"broker", use_broker},
  };
  tasks.at(task)();
}
