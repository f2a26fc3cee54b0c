#include <cohort/cohort.hpp>
#include <filesystem>
#include <iostream>
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::addprocs(1);
  const auto program = std::filesystem::read_symlink("/proc/self/exe");
  std::filesystem::copy_file(program, program.string() + ".new");  // a linker, make install, rsync do it like this
  std::filesystem::rename(program.string() + ".new", program);
  try {
    cohort::addprocs(1);
    std::cout << "ok" << std::endl;
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
  }
}
