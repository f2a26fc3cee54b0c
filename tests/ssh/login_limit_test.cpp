#include "login_limit.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "../../contract/include/cohort/contract/eventually.hpp"

namespace cohort_ssh {
namespace {

using namespace std::chrono_literals;

TEST(LoginLimit, HoldsAtEachServer) {
  LoginLimit limit(2);
  std::atomic<int> here{0}, most{0};
  {
    std::vector<std::jthread> logins;
    for (int i = 0; i < 8; ++i) {
      logins.emplace_back([&] {
        const Patience patience(cohort::deadline_after(60s), {});
        const LoginLimit::Turn turn(limit, "a", patience);
        const int now = ++here;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        cohort::contract::eventually([&] { return here > 2; }, 5ms);  // so that others may come too
        --here;
      });
    }
  }
  EXPECT_LE(most, 2);
  const Patience patience(cohort::deadline_after(60s), {});
  const LoginLimit::Turn first(limit, "a", patience), second(limit, "a", patience), elsewhere(limit, "b", patience);
}

TEST(LoginLimit, NobodyWaitsLongerThanHisPatience) {
  LoginLimit limit(1);
  const Patience none(cohort::Clock::now(), {});
  const LoginLimit::Turn first(limit, "a", none), second(limit, "a", none);
  std::stop_source stop;
  stop.request_stop();
  const Patience stopped(cohort::deadline_after(60s), stop.get_token());
  const LoginLimit::Turn third(limit, "a", stopped);
}

}  // namespace
}  // namespace cohort_ssh
