#include <cohort/cohort.hpp>
#include <iostream>
__attribute__((noinline, optimize("O0"))) long deep(long kib) {
  volatile char block[1024];
  block[0] = 1;
  return kib == 0 ? block[0] : deep(kib - 1) + block[0];
}
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const auto pid = cohort::addprocs(1)[0];
  std::cout << "5 MiB of stack here: " << deep(5 * 1024) << std::endl;
  try {
    std::cout << "5 MiB of stack there: " << cohort::remotecall_fetch(cohort::fn<deep>, pid, 5 * 1024L) << std::endl;
  } catch (const std::exception& error) {
    std::cout << "5 MiB of stack there: " << error.what() << std::endl;
  }
}
