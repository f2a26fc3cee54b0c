// A program that embeds cohort wrongly: its workers run it again, and nothing takes them aside.

#include <cstdio>
#include <exception>

#include <cohort/cohort.hpp>
#include <cohort/node.hpp>

int main() {
  try {
    cohort::Node master;
    const cohort::Node::Scope here(master);
    cohort::addprocs(1);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
