#pragma once

namespace cohort {

/// Whether this process is a fork of one that had a Session. It has none of that process's threads and shares its
/// connections, so it may use nothing of the cluster: what it sent would be taken for the other's words.
/// Any thread.
bool is_forked_child() noexcept;

/// @throws Error in such a process.
void refuse_in_forked_child();

/// Ends such a process, where a function of the cluster returned in it instead of ending it.
void end_if_forked_child();

/// While it lives, the children of fork() have nothing behind their copy of this descriptor: else they would keep a
/// connection open that this process ends. Destroyed before the descriptor is closed. Any thread.
class ClosedInForkedChildren {
 public:
  explicit ClosedInForkedChildren(int descriptor);
  ~ClosedInForkedChildren();
  ClosedInForkedChildren(const ClosedInForkedChildren&) = delete;

 private:
  const int descriptor_;
};

/// From now on the children of fork() are known. Those of posix_spawn(), system() and vfork() do not count: they
/// execute another program. @param in_child called in the child, where only system calls are allowed.
void watch_forks(void (*in_child)());

}  // namespace cohort
