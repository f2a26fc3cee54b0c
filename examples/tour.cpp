// Shows a little of everything.
//   build/release/bin/tour

#include <functional>
#include <iostream>
#include <vector>

#include <cohort/cohort.hpp>

using namespace std::chrono_literals;

double price(double spot) { return spot * 1.01; }

// A coroutine: while it waits it occupies no thread of its worker.
cohort::Task<double> total(std::vector<cohort::Future<double>> parts) {
  double sum = 0;
  for (auto& part : parts) sum += co_await part;
  co_return sum;
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const auto pids = cohort::addprocs(2);

  // Calls: a call returns a future at once, and fetch() waits for the result. Futures can be arguments.
  std::vector<cohort::Future<double>> parts;
  for (double spot : {100.0, 200.0}) parts.push_back(cohort::spawnat(cohort::any, cohort::fn<price>, spot));
  std::cout << "total " << cohort::remotecall_fetch({.deadline = 30s}, cohort::fn<total>, pids[0], parts) << '\n';

  // Maps and loops: results come in order; a reduction divides its range among the workers.
  for (double each : cohort::pmap(cohort::fn<price>, std::vector{1.0, 2.0, 3.0})) std::cout << each << ' ';
  std::cout << "\nsum of squares "
            << cohort::distributed_reduce(std::plus<>{}, cohort::range(1L, 1000L), [](long i) { return i * i; })
            << '\n';

  // Data for all processes, also for workers that join later.
  cohort::set_value("rate", 0.05);
  std::cout << "rate there " << cohort::remotecall_fetch([] { return *cohort::value<double>("rate"); }, pids[1])
            << '\n';

  // Errors: the exception has the worker and the type that was thrown.
  try {
    cohort::remotecall_fetch([](int i) { return std::vector<int>(3).at(static_cast<std::size_t>(i)); }, pids[1], 7);
  } catch (const cohort::RemoteException& error) {
    std::cout << error.type_name() << " on worker " << error.worker() << '\n';
  }

  // When sync returns, everything that was started inside it has ended.
  cohort::sync([&] {
    for (cohort::Pid pid : pids) cohort::spawnat(pid, [] { std::cout << "hello" << std::endl; });
  });
}
