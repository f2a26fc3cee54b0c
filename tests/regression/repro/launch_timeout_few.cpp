// timeouts.launch passes while the manager is still starting workers: addprocs returns fewer than asked for, and throws
// nothing.
#include <cohort/cohort.hpp>
#include <cstdio>
#include <cstdlib>
using namespace std::chrono_literals;
using namespace cohort;
int main(int argc, char** argv) {
  Session session(argc, argv);
  const int count = argc > 1 ? atoi(argv[1]) : 60, ms = argc > 2 ? atoi(argv[2]) : 40;
  AddprocsOptions o;
  o.timeouts = Timeouts{.launch = std::chrono::milliseconds(ms)};
  if (argc > 3) o.min = argv[3];
  try {
    auto p = addprocs(count, o);
    std::printf("asked for %d, got %zu, no exception\n", count, p.size());
  } catch (const std::exception& e) {
    std::printf("%s: %.200s\n... nworkers %d\n", typeid(e).name(), e.what(), nworkers());
  }
}
