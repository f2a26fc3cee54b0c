// refused: cohort: a pointer or reference means nothing in another process
#include "typical_mistakes.hpp"

struct Node {
  int v;
  Node* next;
};
int f(const Node& n) { return n.v; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    Node n{1, nullptr};
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, n);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
