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
  /// The answer. Loop thread; the completion is set after it returns, unless it says false: not the last answer.
  virtual void on_result(Frame&& frame) noexcept = 0;
  /// The connection ended first. Any thread.
  virtual void on_lost(const std::string& cause) noexcept = 0;
};

/// The open requests of one connection. An id is generation << 32 | index, so that a late or forged answer finds
/// nothing.
class RequestTable {
 public:
  /// @return the id, or nullopt once take_all_and_close() was called. @param open how many are open then.
  std::optional<std::uint64_t> add(std::shared_ptr<Request> request, std::size_t* open = nullptr);
  /// Null for an id that is not open.
  std::shared_ptr<Request> take(std::uint64_t id);
  /// @param cause why the connection ended, for those that come too late.
  std::vector<std::shared_ptr<Request>> take_all_and_close(const std::string& cause);
  /// As take_all_and_close() was told; until then that the connection ended.
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
