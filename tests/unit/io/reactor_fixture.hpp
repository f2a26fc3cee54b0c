#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "../../../contract/include/cohort/contract/eventually.hpp"
#include "io/reactor.hpp"

namespace cohort::test {

class FunctionTask final : public PoolTask {
 public:
  explicit FunctionTask(std::function<void()> body, std::function<void()> refused = {})
      : body_(std::move(body)), refused_(std::move(refused)) {}
  void run() noexcept override { body_(); }
  void refuse() noexcept override {
    if (refused_) refused_();
  }

 private:
  const std::function<void()> body_, refused_;
};

inline void submit(Reactor& reactor, std::function<void()> body, std::function<void()> refused = {}) {
  reactor.submit(std::make_shared<FunctionTask>(std::move(body), std::move(refused)));
}

inline std::shared_ptr<Completion> completion() { return std::make_shared<Completion>(); }

/// Whether `count` tasks can run at the same time.
inline bool run_together(Reactor& reactor, int count) {
  struct Shared {
    std::atomic<int> running{0}, right{0};
  };
  auto shared = std::make_shared<Shared>();
  std::vector<std::shared_ptr<Completion>> ends;
  for (int i = 0; i < count; i++) {
    ends.push_back(completion());
    submit(reactor, [&reactor, shared, count, end = ends.back()] {
      shared->running++;
      contract::eventually([&] { return shared->running == count; }, std::chrono::seconds(20));
      shared->right += shared->running == count;
      reactor.complete(end);
    });
  }
  for (auto& end : ends) reactor.wait(*end);
  return shared->right == count;
}

}  // namespace cohort::test
