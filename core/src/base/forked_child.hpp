#pragma once

namespace cohort {

/// Whether this process is a fork of one that had a Session. It has none of that process's threads, and shares its
/// connections, so it must not use the cluster: its messages would look like messages of its parent.
/// May be called from any thread.
bool is_forked_child() noexcept;

/// @throws Error in such a process.
void refuse_in_forked_child();

/// Ends such a process if a function that was called remotely returns in it, instead of ending it.
void end_if_forked_child();

/// As long as it lives, the copy of this descriptor in children of fork() is replaced by /dev/null: otherwise they
/// would keep a connection open that this process ends. Destroy it before the descriptor is closed. Any thread may use
/// it.
class ClosedInForkedChildren {
 public:
  explicit ClosedInForkedChildren(int descriptor);
  ~ClosedInForkedChildren();
  ClosedInForkedChildren(const ClosedInForkedChildren&) = delete;

 private:
  const int descriptor_;
};

/// From now on children of fork() are marked. Children of posix_spawn(), system() and vfork() are not, because they
/// execute another program. @param in_child called in the child, where only system calls are allowed.
void watch_forks(void (*in_child)());

}  // namespace cohort
