// A program that is not the test program. As a worker: one of another build. As a master: one with a worker, whose
// process id it prints, and that does nothing more.

#include <unistd.h>

#include <cstdio>

#include <cohort/cohort.hpp>

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  cohort::Session session(argc, argv);
  cohort::AddprocsOptions options;
  options.timeouts = cohort::Timeouts{.heartbeat = 100ms, .suspect = 500ms, .dead = 1s};
  const auto worker = cohort::addprocs(1, options).front();
  std::printf("%d\n", cohort::remotecall_fetch([] { return static_cast<int>(getpid()); }, worker));
  std::fflush(stdout);
  for (;;) pause();
}
