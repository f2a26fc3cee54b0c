// take_some packs an item of a few handles and one of nearly 65535 into one answer: more than a message can name.
#include <cohort/cohort.hpp>
#include <iostream>
using namespace std::chrono_literals;
using namespace cohort;
std::vector<Future<int>> make(int n) {
  std::vector<Future<int>> v;
  for (int i = 0; i < n; i++) v.emplace_back(myid());
  return v;
}
int main(int argc, char** argv) {
  Session session(argc, argv);
  auto pids = addprocs(1);
  RemoteChannel<std::vector<Future<int>>> c(10, pids[0]);
  remotecall_fetch(
      [](RemoteChannel<std::vector<Future<int>>> c) {
        c.put(make(10));
        c.put(make(65530));
      },
      pids[0], c);
  try {
    auto v = c.take_some(5, {.deadline = 30s});
    std::cout << "took " << v.size() << " items" << std::endl;
  } catch (const std::exception& e) {
    std::cout << typeid(e).name() << ": " << std::string(e.what()).substr(0, 300) << std::endl;
  }
  try {
    std::cout << "left: " << c.size() << ", afterwards: "
              << remotecall_fetch(
                     {.deadline = 10s}, [](int x) { return x + 1; }, pids[0], 41)
              << std::endl;
  } catch (const std::exception& e) {
    std::cout << "afterwards " << typeid(e).name() << ": " << e.what() << std::endl;
  }
}
