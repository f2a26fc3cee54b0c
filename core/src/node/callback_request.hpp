#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "io/loop_handles.hpp"
#include "io/timers.hpp"
#include "membership/requests.hpp"

namespace cohort {

/// An answer that calls back, on the loop; with a deadline.
class CallbackRequest final : public Request, public std::enable_shared_from_this<CallbackRequest> {
 public:
  CallbackRequest(Reactor& reactor, std::function<void(Frame&&)> answered, std::function<void(std::string)> lost)
      : reactor_(reactor), answered_(std::move(answered)), lost_(std::move(lost)) {}
  /// Loop thread.
  void start_deadline(Duration limit, const std::string& late) {
    timer_.start(reactor_, limit, [this, late] { end([&] { lost_(late); }); });
  }
  void on_result(Frame&& frame) noexcept override {
    guard_loop([&] { end([&] { answered_(std::move(frame)); }); });
  }
  void on_lost(const std::string& cause) noexcept override {
    reactor_.post([self = shared_from_this(), cause] { self->end([&] { self->lost_(cause); }); });
  }

 private:
  template <class F>
  void end(F&& how) {
    if (std::exchange(ended_, true)) return;
    timer_.stop();
    how();
    answered_ = nullptr;
    lost_ = nullptr;
  }
  Reactor& reactor_;
  // Loop thread only.
  std::function<void(Frame&&)> answered_;
  std::function<void(std::string)> lost_;
  Timer timer_;
  bool ended_ = false;
};

}  // namespace cohort
