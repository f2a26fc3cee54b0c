// Calls that wait behind a busy worker, all called off: each cancel walks the list of all calls (CallServer::call_off).
// usage: cancel_many [CALLS] [SECONDS the worker is busy]
#include <unistd.h>
#include <atomic>
#include <cohort/cohort.hpp>
#include <cstdio>
using namespace std::chrono_literals;
using namespace cohort;
static double since(Clock::time_point t) { return std::chrono::duration<double>(Clock::now() - t).count(); }
static std::atomic<int> ran{0};
int count_it(int x) {
  ran++;
  return x;
}
int main(int argc, char** argv) {
  Session session(argc, argv);
  const int n = argc > 1 ? atoi(argv[1]) : 60000, busy = argc > 2 ? atoi(argv[2]) : 120;
  auto p = addprocs(1)[0];
  std::vector<Future<int>> f;
  remote_do([](int s) { sleep(s); }, p, busy);
  for (int i = 0; i < n; i++) f.push_back(remotecall(fn<count_it>, p, i));
  auto t0 = Clock::now();
  for (auto& x : f) x.cancel();
  std::printf("%d calls called off in %.2f s\n", n, since(t0));
  std::fflush(stdout);
  try {
    ping(p, 300s);
    std::printf("ping answered after %.2f s\n", since(t0));
  } catch (const std::exception& e) {
    std::printf("ping after %.2f s: %s\n", since(t0), e.what());
  }
  int cancelled = 0, exited = 0, ok = 0;
  for (auto& x : f) try {
      x.fetch({.deadline = 300s});
      ok++;
    } catch (const ProcessExitedException&) {
      exited++;
    } catch (const Error&) {
      cancelled++;
    }
  std::printf("after %.2f s: called off %d, ran all the same %d, lost with the worker %d\n", since(t0), cancelled, ok,
              exited);
}
