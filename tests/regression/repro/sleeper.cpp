#include <unistd.h>
#include <cohort/cohort.hpp>
#include <cstdlib>
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  sleep(static_cast<unsigned>(std::atoi(argv[1])));
}
