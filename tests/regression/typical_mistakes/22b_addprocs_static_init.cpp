// runs: there is no cluster session
#include "typical_mistakes.hpp"

auto pids = cohort::addprocs(1);
int main(int argc, char** argv) { cohort::Session s(argc, argv); }
