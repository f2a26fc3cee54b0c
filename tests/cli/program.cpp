// A program as users write them: says which workers it has and what one of them answers, and exits with what it is
// told.

#include <cstdlib>
#include <iostream>
#include <string>

#include <cohort/cohort.hpp>

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  std::cout << "workers " << cohort::nworkers() << '\n';
  for (int i = 1; i < argc; i++) std::cout << "argument " << argv[i] << '\n';
  const auto pid = cohort::workers().front();
  std::cout << "sum " << cohort::remotecall_fetch([](int a, int b) { return a + b; }, pid, 2, 3) << '\n';
  if (argc > 2 && std::string(argv[2]) == "--twice")
    std::cout << "twice " << cohort::call_named<double>("twice", pid, 2.5) << '\n';
  return argc > 1 ? std::atoi(argv[1]) : 0;
}
