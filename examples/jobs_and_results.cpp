// Workers take jobs from one channel and put their results into another.
//   cohort run -p 4 build/release/bin/jobs_and_results

#include <chrono>
#include <iostream>
#include <thread>

#include <cohort/cohort.hpp>

struct Result {
  int job;
  std::chrono::milliseconds took;
  cohort::Pid worker;
};

void do_work(const cohort::RemoteChannel<int>& jobs, const cohort::RemoteChannel<Result>& results) {
  for (int job : jobs) {  // until the channel is closed
    const std::chrono::milliseconds time(10 + job * 7919 % 90);
    std::this_thread::sleep_for(time);  // the work
    results.put({job, time, cohort::myid()});
  }
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(4);

  cohort::RemoteChannel<int> jobs(32);
  cohort::RemoteChannel<Result> results(32);
  for (cohort::Pid pid : cohort::workers()) cohort::remote_do(cohort::fn<do_work>, pid, jobs, results);

  constexpr int count = 12;
  for (int job = 1; job <= count; job++) jobs.put(job);
  jobs.close();

  std::chrono::milliseconds total(0);
  for (int n = 0; n < count; n++) {
    const Result result = results.take();
    std::cout << "job " << result.job << " took " << result.took.count() << " ms on worker " << result.worker << '\n';
    total += result.took;
  }
  std::cout << count << " jobs, " << total.count() << " ms of work\n";
}
