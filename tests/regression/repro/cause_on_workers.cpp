// A worker is killed: what do calls that other workers make to it say? (docs/calls.md: "all calls to it fail with the
// cause, also those that others made")
#include <unistd.h>
#include <cohort/cohort.hpp>
#include <csignal>
#include <cstdio>
using namespace std::chrono_literals;
using namespace cohort;
int plus1(int x) { return x + 1; }
int main(int argc, char** argv) {
  Session session(argc, argv);
  auto p = addprocs(2);
  auto ask = [&] {
    return remotecall_fetch(
        [](Pid q) -> std::string {
          try {
            remotecall_fetch(fn<plus1>, q, 1);
            return "fine";
          } catch (const ProcessExitedException& e) {
            return std::string(e.what()) + " | cause: '" + e.cause() + "'";
          } catch (const std::exception& e) {
            return e.what();
          }
        },
        p[0], p[1]);
  };
  const bool connected = argc > 1;
  if (connected) ask();
  int o = remotecall_fetch([] { return int(getpid()); }, p[1]);
  auto open = remotecall(
      [](Pid q) -> std::string {
        try {
          remotecall_fetch([] { sleep(5); }, q);
          return "fine";
        } catch (const ProcessExitedException& e) {
          return std::string(e.what()) + " | cause: '" + e.cause() + "'";
        }
      },
      p[0], p[1]);
  usleep(200000);
  kill(o, SIGKILL);
  std::printf("open call of the other worker: %s\n", open.fetch().c_str());
  usleep(300000);
  std::printf("later call of the other worker: %s\n", ask().c_str());
  try {
    remotecall_fetch(fn<plus1>, p[1], 1);
  } catch (const std::exception& e) {
    std::printf("the master's: %s\n", e.what());
  }
}
