#include <cohort/start_thread.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace cohort {
namespace {

TEST(StartThread, RunsTheBody) {
  std::atomic<int> ran = 0;
  start_thread("add", [&] { ran++; }).join();
  EXPECT_EQ(ran, 1);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // these need address space without end
std::size_t address_space() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kilobytes = 0;
    if (word == "VmSize:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

TEST(StartThread, OneThatCannotBeStartedIsAnErrorInWords) {
  rlimit usual{};
  getrlimit(RLIMIT_AS, &usual);
  const rlimit no_room_for_a_stack{address_space() + 1024 * 1024, usual.rlim_max};
  std::string message;
  std::latch end(1);
  std::vector<std::thread> threads;
  threads.reserve(100);
  setrlimit(RLIMIT_AS, &no_room_for_a_stack);
  try {
    while (threads.size() < 100) {  // the first few may get stacks of threads that have ended
      threads.push_back(start_thread("serve", [&] { end.wait(); }));
    }
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.kind(), ErrorKind::overloaded);
  }
  setrlimit(RLIMIT_AS, &usual);
  end.count_down();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(message.find("no thread can be started to serve: "), 0u) << message;
  EXPECT_NE(message.find("ulimit -u"), std::string::npos) << message;
}
#endif

}  // namespace
}  // namespace cohort
