#include <gtest/gtest.h>

#include <cohort/session.hpp>

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
