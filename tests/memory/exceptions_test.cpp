// Exceptions of the program's own.

#include <stdexcept>
#include <tuple>
#include <vector>

#include "memory_test.hpp"

namespace cohort::test {

class QuotaExceeded : public std::runtime_error {
 public:
  QuotaExceeded(const std::string& who, int limit)
      : std::runtime_error(who + " is over " + std::to_string(limit)), who_(who), limit_(limit) {
    if (limit == 99) throw std::invalid_argument("a limit that cannot be");
  }
  const std::string& who() const { return who_; }
  int limit() const { return limit_; }

 protected:
  void change(int limit) { limit_ = limit; }

 private:
  std::string who_;
  int limit_;
};
COHORT_EXCEPTION(QuotaExceeded, [](const QuotaExceeded& error) { return std::tuple(error.who(), error.limit()); });

// Its constructor refuses what it is sent.
class Unmakeable final : public std::logic_error {
 public:
  explicit Unmakeable(const char* text) : std::logic_error(text) {
    if (std::string(text) != "made here") throw std::invalid_argument("only here");
  }
  explicit Unmakeable(const std::string& text) : Unmakeable(text.c_str()) {}
};
COHORT_EXCEPTION(Unmakeable, [](const Unmakeable&) { return std::tuple("there"); });

class Large final : public std::range_error {
 public:
  explicit Large(std::vector<double> all) : std::range_error("large"), all_(std::move(all)) {}
  const std::vector<double>& all() const { return all_; }

 private:
  std::vector<double> all_;
};
COHORT_EXCEPTION(Large, [](const Large& error) { return std::tuple(error.all()); });

class DerivedFromOwn final : public QuotaExceeded {
 public:
  DerivedFromOwn() : QuotaExceeded("eve", 1) {}
};

namespace {

template <class E, class F>
bool throws_as(F&& f, const std::function<void(const E&)>& look = {}) {
  try {
    f();
  } catch (const RemoteException& error) {
    try {
      std::rethrow_exception(error.cause());
    } catch (const E& own) {
      if (look) look(own);
      return typeid(own) == typeid(E);
    } catch (...) {
    }
  }
  return false;
}

TEST(MemoryExceptions, OfTheProgramArriveAsThemselves) {
  TestCluster cluster(2);
  const auto exceed = [](int limit) -> int { throw QuotaExceeded("ada", limit); };
  const std::function<void(const QuotaExceeded&)> look = [](const QuotaExceeded& error) {
    EXPECT_EQ(error.who(), "ada");
    EXPECT_EQ(error.limit(), 7);
    EXPECT_STREQ(error.what(), "ada is over 7");
  };
  EXPECT_TRUE(throws_as<QuotaExceeded>([&] { remotecall_fetch(exceed, 2, 7); }, look));
  const auto future = remotecall(exceed, 2, 7);
  EXPECT_TRUE(throws_as<QuotaExceeded>([&] { future.fetch(); }, look));
  EXPECT_TRUE(throws_as<QuotaExceeded>(
      [&] { remotecall_fetch([](const Future<int>& f) { return f.fetch(); }, 3, future); }, look))
      << "through another process";
  RemoteChannel<int> channel(1, 3);
  channel.close(std::make_exception_ptr(QuotaExceeded("ada", 7)));
  EXPECT_TRUE(throws_as<QuotaExceeded>([&] { channel.take(); }, look));
}

TEST(MemoryExceptions, WhatCannotTravelArrivesAsItsStandardBase) {
  TestCluster cluster(1);
  EXPECT_TRUE(throws_as<std::logic_error>([] { remotecall_fetch([]() -> int { throw Unmakeable("made here"); }, 2); }));
  EXPECT_TRUE(throws_as<std::runtime_error>([] { remotecall_fetch([]() -> int { throw DerivedFromOwn(); }, 2); }));
  EXPECT_TRUE(throws_as<std::range_error>(
      [] { remotecall_fetch([]() -> int { throw Large(std::vector<double>(100'000)); }, 2); }));
}

}  // namespace
}  // namespace cohort::test
