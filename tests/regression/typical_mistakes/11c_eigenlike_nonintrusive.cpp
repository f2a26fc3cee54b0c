// runs: 3
#include "typical_mistakes.hpp"

namespace third {
template <class T>
class Mat {
 public:
  Mat() = default;
  Mat(int r, int c) : r_(r), c_(c), d_(r * c) {}
  int rows() const { return r_; }
  int r_ = 0, c_ = 0;
  std::vector<T> d_;

 private:
  int hidden = 0;
};
template <class A, class T>
void serialize(A& a, Mat<T>& m) {
  a(m.r_, m.c_, m.d_);
}
}  // namespace third
int f(const third::Mat<double>& m) { return m.rows(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    third::Mat<double> m(3, 4);
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, m);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
