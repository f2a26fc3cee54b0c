// refused: cohort: this aggregate has more than 32 fields
#include "typical_mistakes.hpp"

struct Big {
  int a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24,
      a25, a26, a27, a28, a29, a30, a31, a32, a33, a34, a35, a36, a37, a38, a39, a40;
  std::string s;
};
int f(const Big& b) { return b.s.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    Big b{};
    b.s = "abc";
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, b);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
