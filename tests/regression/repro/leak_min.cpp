#include <cohort/cohort.hpp>
#include <iostream>
#include <thread>
using namespace cohort;
int main(int argc, char** argv) {
  Session session(argc, argv);
  const int n = argc > 1 ? atoi(argv[1]) : 4;
  addprocs(2);
  std::vector<std::thread> threads;
  for (int t = 0; t < n; t++)
    threads.emplace_back([=] {
      for (int i = 0; i < 20000 / n; i++) {
        auto f = remotecall([] { return 1; }, 2);
        remote_do([](Future<int>) {}, 3, f);  // shipped while it is open, dropped here and there
      }
    });
  for (auto& t : threads) t.join();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  std::cout << n << " threads, 20000 futures: " << reference_count(2) << " entries left at the owner\n";
}
