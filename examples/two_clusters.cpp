// Two clusters in one program at the same time, each with workers and a cookie of its own, as a server may have them
// for two customers.
//
//   two_clusters

#include <cstdio>
#include <string>
#include <thread>

#include <cohort/cohort.hpp>
#include <cohort/node.hpp>

namespace {

long square(int x) { return static_cast<long>(x) * x; }

std::string serve_customer(int workers) {
  cohort::Node master;  // throws if it cannot start, and never ends the program
  const cohort::Node::Scope here(master);
  cohort::addprocs(workers);
  long sum = 0;
  for (const long each : cohort::pmap(cohort::fn<square>, cohort::range(1, 100))) sum += each;
  return std::to_string(sum) + " by " + std::to_string(cohort::nworkers()) + " workers";
}

}  // namespace

int main(int argc, char** argv) {
  const cohort::Session session(argc, argv);  // the workers of both clusters run this program, and are taken aside here
  std::string one, other;
  {
    const std::jthread first([&] { one = serve_customer(2); });
    const std::jthread second([&] { other = serve_customer(3); });
  }
  std::printf("one: %s; other: %s; here: %d process\n", one.c_str(), other.c_str(), cohort::nprocs());
}
