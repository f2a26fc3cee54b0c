// Group M: what a caller learns of an exception.

#include <stdexcept>
#include <string>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using ExceptionsTest = ClusterTest;

struct OwnError : std::out_of_range {
  using std::out_of_range::out_of_range;
};

TEST_F(ExceptionsTest, TypeMessageAndWorkerAreKept) {
  const Pid pid = addprocs(1).front();
  for (Pid p : {pid, myid()}) {
    try {
      remotecall_fetch([]() -> int { throw OwnError("foobar"); }, p);
      FAIL() << "nothing was thrown";
    } catch (const RemoteException& error) {
      EXPECT_EQ(error.worker(), p);
      EXPECT_EQ(error.message(), "foobar");
      EXPECT_TRUE(contains(error.type_name(), "OwnError")) << error.type_name();
      EXPECT_TRUE(contains(error.what(), "On worker " + std::to_string(p) + ":\n")) << error.what();
      EXPECT_THROW(std::rethrow_exception(error.cause()), std::out_of_range);
    }
  }
}

TEST_F(ExceptionsTest, WhoThrewFirstIsNamedAfterTwoHops) {
  addprocs(2);
  try {
    remotecall_fetch([] { return remotecall_fetch([]() -> int { throw std::logic_error("deep"); }, 3); }, 2);
    FAIL() << "nothing was thrown";
  } catch (const RemoteException& error) {
    EXPECT_EQ(error.worker(), 3);
    EXPECT_EQ(error.message(), "deep");
    EXPECT_THROW(std::rethrow_exception(error.cause()), std::logic_error);
  }
}

TEST_F(ExceptionsTest, WhatIsNoStdExceptionHasItsTypeName) {
  const Pid pid = addprocs(1).front();
  EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { remotecall_fetch([]() -> int { throw 42; }, pid); }), "int"));
}

TEST_F(ExceptionsTest, AReturnedExceptionIsAValue) {
  const Pid pid = addprocs(1).front();
  EXPECT_EQ(remotecall_fetch([] { return std::string(std::runtime_error("just a value").what()); }, pid),
            "just a value");
}

TEST(CompositeExceptions, ShowTheFirstAndCountTheRest) {
  std::vector<std::exception_ptr> errors;
  EXPECT_STREQ(CompositeException(errors).what(), "CompositeException()");
  for (int i = 0; i < 3; i++) errors.push_back(std::make_exception_ptr(Error("error " + std::to_string(i))));
  EXPECT_STREQ(CompositeException(errors).what(), "error 0\n\n...and 2 more exceptions.");
  EXPECT_EQ(CompositeException(errors).size(), 3u);
}

}  // namespace
}  // namespace cohort::test
