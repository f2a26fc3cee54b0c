#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "io/reactor.hpp"
#include "wire/frame.hpp"

namespace cohort {

/// Something that waits for the `result` frame of a request sent to a peer.
class Request : public Completion {
 public:
  virtual ~Request();
  /// Called with the answer, on the loop thread. The completion is set after it returns.
  virtual void on_result(Frame&& frame) noexcept = 0;
  /// Where the only large array of the answer is received, if its maker has memory of exactly this size for it, which
  /// nobody reads until on_result() or on_lost(); else null. On the loop thread, before on_result().
  virtual std::shared_ptr<std::byte> memory_for(std::size_t) noexcept { return nullptr; }
  /// The connection ended first; nothing is received any more. Any thread.
  virtual void on_lost(const std::string& cause) noexcept = 0;
};

/// The open requests of one connection. An id is generation << 32 | index: a late or forged answer matches no request.
class RequestTable {
 public:
  /// @return the id, or nullopt once take_all_and_close() was called. @param open set to the number of open requests.
  std::optional<std::uint64_t> add(std::shared_ptr<Request> request, std::size_t* open = nullptr);
  /// Null for an id that is not open.
  std::shared_ptr<Request> find(std::uint64_t id) const;
  /// Null for an id that is not open.
  std::shared_ptr<Request> take(std::uint64_t id);
  /// @param cause why the connection ended, for requests that come later.
  std::vector<std::shared_ptr<Request>> take_all_and_close(const std::string& cause);
  /// The number of open requests.
  std::size_t open() const;
  /// The cause that take_all_and_close() was given; before that a text that the connection ended.
  std::string cause() const;

 private:
  struct Entry {
    std::shared_ptr<Request> request;
    std::uint32_t generation = 1;
  };
  mutable detail::Mutex mutex_;
  std::vector<Entry> entries_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> free_ COHORT_GUARDED_BY(mutex_);
  bool closed_ COHORT_GUARDED_BY(mutex_) = false;
  std::string cause_ COHORT_GUARDED_BY(mutex_) = "the connection ended";
};

}  // namespace cohort
