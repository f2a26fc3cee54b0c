#include <cohort/cohort.hpp>
#include <iostream>
// ulimit -n 48; ./few_descriptors     terminate called after throwing ... cannot create a timer
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  try {
    std::cout << cohort::addprocs(8).size() << " workers" << std::endl;
  } catch (const std::exception& error) {
    std::cout << "caught " << error.what() << std::endl;
  }
}
