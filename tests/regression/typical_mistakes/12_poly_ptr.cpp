// refused: cohort: a pointer to a polymorphic class would lose the derived part
#include "typical_mistakes.hpp"

struct Base {
  virtual ~Base() = default;
  virtual int v() const = 0;
};
struct D : Base {
  int v() const override { return 3; }
};
int f(const std::unique_ptr<Base>& b) { return b->v(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::unique_ptr<Base> b = std::make_unique<D>();
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::move(b));
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
