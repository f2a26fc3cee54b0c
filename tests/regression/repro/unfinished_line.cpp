#include <cohort/cohort.hpp>
#include <cstdio>
#include <iostream>
// Something prints before the Session, without a line end: a static object, a library's banner, "Loading ... ".
const int banner = std::printf("Loading ... ");
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  try {
    cohort::addprocs(1);
    std::cout << "ok" << std::endl;
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
  }
}
