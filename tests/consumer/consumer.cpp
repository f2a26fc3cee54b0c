// Workers of cohort's manager and of this project's own, found where they are built.

#include <cohort/cohort.hpp>

int one() { return 1; }

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::addprocs(2);
  cohort::addprocs("starter", R"({"count": 1})");
  int sum = 0;
  for (const cohort::Pid pid : cohort::workers()) sum += cohort::remotecall_fetch(cohort::fn<one>, pid);
  return sum == 3 ? 0 : 1;
}
