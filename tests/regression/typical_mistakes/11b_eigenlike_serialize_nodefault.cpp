// refused: cohort: a type that travels needs a public default constructor: the receiver makes an object
#include "typical_mistakes.hpp"

template <class T>
class Mat {
 public:
  Mat(int r, int c) : r_(r), c_(c), d_(r * c) {}
  int rows() const { return r_; }
  template <class A>
  void serialize(A& a) {
    a(r_, c_, d_);
  }

 private:
  int r_, c_;
  std::vector<T> d_;
};
int f(const Mat<double>& m) { return m.rows(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    Mat<double> m(3, 4);
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, m);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
