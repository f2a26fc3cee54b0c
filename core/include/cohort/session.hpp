#pragma once

#include <cohort/detail/language.hpp>

#include <memory>

namespace cohort {

/// The first object of main(). In a worker process its constructor serves the cluster and never returns. In the master
/// it takes the cluster that `cohort run` handed over, or that --cohort-* flags ask for, starts it, and removes those
/// flags from the arguments; its destructor removes all workers.
/// A cluster that cannot be started ends the program: a message on stderr, exit code 3 (cluster file), 4 (plugin) or
/// 20 (launch failed).
class Session {
 public:
  Session(int& argc, char** argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

}  // namespace cohort
