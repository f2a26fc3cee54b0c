#include <signal.h>
#include <unistd.h>
#include <cohort/cohort.hpp>
#include <iostream>
#include <thread>
using namespace cohort;
using namespace std::chrono_literals;
// What worker `from` gets for its first call to `to`.
static std::string first_call(Pid from, Pid to) {
  return remotecall_fetch(
      [](Pid there) -> std::string {
        try {
          remotecall_fetch([] { return 1; }, there);
          return "answered";
        } catch (const ProcessExitedException& e) {
          return std::string("ProcessExitedException: ") + e.what();
        } catch (const Error& e) {
          return "Error, kind " + std::to_string(int(e.kind())) + ": " + e.what();
        }
      },
      from, to);
}
int main(int argc, char** argv) {
  Session session(argc, argv);
  for (int i = 0; i < 3; i++) {  // stopped, then killed while worker 3 connects to it
    auto pids = addprocs(2);
    const int process = remotecall_fetch([] { return int(getpid()); }, pids[0]);
    kill(process, SIGSTOP);
    std::thread killer([=] {
      std::this_thread::sleep_for(300ms);
      kill(process, SIGKILL);
    });
    std::cout << "stopped, killed:   " << first_call(pids[1], pids[0]) << std::endl;
    killer.join();
    rmprocs(pids[1]);
  }
  for (int i = 0; i < 5; i++) {  // killed, called at once
    auto pids = addprocs(2);
    const int process = remotecall_fetch([] { return int(getpid()); }, pids[0]);
    kill(process, SIGKILL);
    std::cout << "killed, called:    " << first_call(pids[1], pids[0]) << std::endl;
    rmprocs(pids[1]);
  }
}
