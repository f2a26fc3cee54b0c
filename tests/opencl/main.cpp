#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <cohort/session.hpp>

int main(int argc, char** argv) {
  // Outside of ctest, which sets the variable for all tests: pocl leaves no kernels behind. Workers inherit it.
  std::string made;
  if (std::getenv("POCL_CACHE_DIR") == nullptr) {
    made = (std::filesystem::temp_directory_path() / "cohort-opencl-XXXXXX").string();
    if (mkdtemp(made.data()) == nullptr) return 1;
    setenv("POCL_CACHE_DIR", made.c_str(), 1);
  }
  int result = 0;
  {
    cohort::Session session(argc, argv);
    testing::InitGoogleTest(&argc, argv);
    result = RUN_ALL_TESTS();
  }
  if (!made.empty()) std::filesystem::remove_all(made);
  return result;
}
