// runs: MyErr: my message
#include "typical_mistakes.hpp"

struct MyErr : std::runtime_error {
  using runtime_error::runtime_error;
  int code = 7;
};
int f(int) { throw MyErr("my message"); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, 1);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
