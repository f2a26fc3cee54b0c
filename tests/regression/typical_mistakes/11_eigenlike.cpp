// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

template <class T>
class Mat {
 public:
  Mat(int r, int c) : r_(r), c_(c), d_(new T[r * c]{}) {}
  Mat(const Mat& o) : Mat(o.r_, o.c_) { std::copy(o.d_, o.d_ + r_ * c_, d_); }
  ~Mat() { delete[] d_; }
  int rows() const { return r_; }
  int cols() const { return c_; }
  T& operator()(int i, int j) { return d_[i * c_ + j]; }

 private:
  int r_, c_;
  T* d_;
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
