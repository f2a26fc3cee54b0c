#pragma once

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <thread>

#include "io/reactor.hpp"

namespace cohort {

struct Reactor::PoolThread : Waiter {
  Parker own;
  std::shared_ptr<PoolTask> task;
  std::thread thread;
  bool short_slice = false;

  // EEVDF (Linux 6.12 on) lets a thread with a shorter slice run first when it wakes; with the default one the driver
  // may wait 3 ms behind a user function on its CPU. Ignored where the kernel does not know it.
  void want_short_slice(bool want) {
    if (short_slice == want) return;
    short_slice = want;
    struct {
      std::uint32_t size, policy;
      std::uint64_t flags;
      std::int32_t nice;
      std::uint32_t priority;
      std::uint64_t runtime, deadline, period;
    } attributes{48, 0, 0, getpriority(PRIO_PROCESS, 0), 0, want ? 100'000ul : 0ul, 0, 0};
    syscall(SYS_sched_setattr, 0, &attributes, 0);
  }
};

struct Reactor::ThreadState {
  Reactor* loop_of = nullptr;
  Reactor* task_of = nullptr;
};

}  // namespace cohort
