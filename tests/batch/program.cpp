// What the tests run as a master whose workers are jobs: says on which nodes they are, and does what it is told.
//   program              ends
//   program wait [FILE]  prints "ready", and waits until it is ended; the cookie is in that file then
//   program cause CODE   a worker ends with that code while it is called; prints the exception
//   program map COUNT MS a pmap of items of so many milliseconds; prints whether all are right
//   program scale COUNT MS the same map; then waits until one worker is left, and until a file "go" is there
//   program back         prints "ready", waits until all workers are lost, then until as many are there
//   program hog          a worker takes 500 MiB of memory; prints the exception
//   program lost         prints "ready", and waits until a worker is lost; prints why
//   program join COUNT FILE  writes the cookie to that file, and FILE.joined when there are so many workers; ends when
//                            FILE.end is there
//   program end HOW DIR  writes DIR/ready; when DIR/go is there, it `returns`, or an exception leaves main (`throws`)
//   program map_end HOW DIR  the same within a map, in which each worker writes DIR/computes.PID
//   program caught MANAGER OPTIONS DIR  begins without workers, and goes on when these do not come: writes DIR/caught,
//                                       and ends when DIR/go is there
// A worker is held before it has done anything where COHORT_TEST_HELD names a file, until that is there. It writes
// FILE.PID.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <cohort/cohort.hpp>

namespace {

namespace fs = std::filesystem;

std::string node() {
  if (const char* name = std::getenv("SLURMD_NODENAME")) return name;
  char host[256] = "?";
  ::gethostname(host, sizeof host - 1);
  return host;
}

int sleep_for_long() {
  std::this_thread::sleep_for(std::chrono::minutes(2));
  return 0;
}

template <class Condition>
void wait_until(Condition condition) {
  for (int i = 0; i < 12000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void touch(const std::string& file) { std::ofstream(file) << '\n'; }

void be_held() {
  const char* variable = std::getenv("COHORT_TEST_HELD");
  if (variable == nullptr) return;
  const std::string file = variable;
  touch(file + '.' + std::to_string(::getpid()));
  wait_until([&] { return fs::exists(file); });
}

int end(const std::string& how, const std::string& dir) {
  touch(dir + "/ready");
  wait_until([&] { return fs::exists(dir + "/go"); });
  if (how == "throws") throw std::runtime_error("the master has had enough");
  return 0;
}

/// The first item fails, while the others compute.
int end_of_map(const std::string& how, const std::string& dir) {
  try {
    cohort::pmap(cohort::capture(dir,
                                 [](const std::string& files, int item) {
                                   touch(files + "/computes." + std::to_string(::getpid()));
                                   if (item > 1) return sleep_for_long();
                                   wait_until([&] { return fs::exists(files + "/go"); });
                                   throw std::runtime_error("the item has failed");
                                 }),
                 cohort::range(1, cohort::nworkers()));
  } catch (const std::exception&) {
    if (how == "throws") throw;
  }
  return 0;
}

int go_on(const std::string& manager, const std::string& options, const std::string& dir) {
  try {
    cohort::addprocs(manager, options);
  } catch (const cohort::Error& error) {
    std::cout << error.what() << std::endl;
    touch(dir + "/caught");
  }
  wait_until([&] { return fs::exists(dir + "/go"); });
  return 0;
}

int join(int count, const std::string& file) {
  std::ofstream(file) << cohort::cluster_cookie();
  wait_until([&] { return cohort::nprocs() > count; });
  touch(file + ".joined");
  wait_until([&] { return fs::exists(file + ".end"); });
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  be_held();
  cohort::Session session(argc, argv);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "join") return join(std::atoi(argv[2]), argv[3]);
  if (what == "end") return end(argv[2], argv[3]);
  if (what == "map_end") return end_of_map(argv[2], argv[3]);
  if (what == "caught") return go_on(argv[2], argv[3], argv[4]);
  std::vector<std::string> nodes;
  for (const auto pid : cohort::workers()) nodes.push_back(cohort::remotecall_fetch([] { return node(); }, pid));
  std::sort(nodes.begin(), nodes.end());
  std::cout << "workers " << nodes.size() << " on";
  for (const auto& name : nodes) std::cout << ' ' << name;
  std::cout << std::endl;
  if (what == "wait") {
    if (argc > 2) std::ofstream(argv[2]) << cohort::cluster_cookie();
    std::cout << "ready" << std::endl;
    sleep_for_long();
  }
  if (what == "map" || what == "scale") {
    const int count = std::atoi(argv[2]), milliseconds = std::atoi(argv[3]);
    const auto squares = cohort::pmap(cohort::capture(milliseconds,
                                                      [](int pause, int x) {
                                                        std::this_thread::sleep_for(std::chrono::milliseconds(pause));
                                                        return std::pair(x * x, static_cast<int>(::getpid()));
                                                      }),
                                      cohort::range(1, count));
    std::set<int> processes;
    bool is_right = squares.size() == static_cast<std::size_t>(count);
    for (int x = 1; x <= count && is_right; ++x) {
      is_right = squares[static_cast<std::size_t>(x - 1)].first == x * x;
      processes.insert(squares[static_cast<std::size_t>(x - 1)].second);
    }
    std::cout << (is_right ? "all right" : "wrong") << ", by " << processes.size() << " processes" << std::endl;
  }
  const auto wait_for = [](auto is_so) {
    for (int i = 0; i < 6000 && !is_so(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  };
  if (what == "scale") {
    wait_for([] { return cohort::nworkers() == 1 && cohort::nprocs() == 2; });
    std::cout << "left: " << cohort::nprocs() - 1 << std::endl;
    wait_for([] { return std::filesystem::exists("go"); });
  }
  if (what == "back") {
    const auto count = cohort::nworkers();
    std::cout << "ready" << std::endl;
    wait_until([] { return cohort::nprocs() == 1; });
    std::cout << "lost" << std::endl;
    wait_until([count] { return cohort::nprocs() == count + 1; });
    std::cout << "back: " << cohort::nprocs() - 1 << std::endl;
  }
  if (what == "hog") std::cout << "ready" << std::endl;
  if (what == "cause" || what == "lost" || what == "hog") {
    const auto pid = cohort::workers().back();
    try {
      if (what == "cause") {
        cohort::remotecall_fetch([](int code) { ::_exit(code); }, pid, std::atoi(argv[2]));
      } else if (what == "hog") {
        cohort::remotecall_fetch(
            [] {
              const std::vector<char> memory(500 << 20, 1);
              sleep_for_long();
              return memory.back();
            },
            pid);
      } else {
        auto call = cohort::remotecall([] { return sleep_for_long(); }, pid);
        std::cout << "ready" << std::endl;
        call.fetch();
      }
    } catch (const cohort::ProcessExitedException& error) {
      std::cout << "lost: " << error.what() << std::endl;
    }
  }
  return 0;
}
