// Group M: what a caller learns of an exception.

#include <functional>
#include <stdexcept>
#include <string>

#include "cluster_test.hpp"

namespace cohort::test {

// Not in the unnamed namespace: only names that the program exports can be told.
[[gnu::noinline]] int throw_at_the_bottom(int x) {
  if (x >= 0) throw std::out_of_range("too deep");
  return x;
}
[[gnu::noinline]] int call_the_bottom(int x) { return throw_at_the_bottom(x) + 1; }

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

RemoteException caught(const std::function<void()>& body) {
  try {
    body();
  } catch (const RemoteException& error) {
    return error;
  }
  throw Error("nothing was thrown");
}

TEST_F(ExceptionsTest, TheStackOfTheThrowComesAlong) {
  addprocs(2);
  const auto expect_both = [](const std::string& stack) {
    const auto inner = stack.find("throw_at_the_bottom(int) (cluster_tests+0x");
    const auto outer = stack.find("call_the_bottom(int) (cluster_tests+0x");
    EXPECT_NE(inner, stack.npos) << stack;
    EXPECT_NE(outer, stack.npos) << stack;
    EXPECT_LT(inner, outer) << stack;
    EXPECT_TRUE(stack.starts_with("  at cohort::test::throw_at_the_bottom(int)")) << stack;
    EXPECT_FALSE(contains(stack, "libcohort")) << stack;  // nothing of what called the function
  };
  for (Pid pid : {2, myid()}) {
    const auto error = caught([&] { remotecall_fetch(fn<call_the_bottom>, pid, 1); });
    expect_both(error.stack());
    EXPECT_TRUE(contains(error.what(), "too deep\n  at cohort::test::throw_at_the_bottom(int)")) << error.what();
    expect_both(caught([&] { remotecall(fn<call_the_bottom>, pid, 1).fetch(); }).stack());
  }
  expect_both(caught([] { remotecall_fetch([] { return remotecall_fetch(fn<call_the_bottom>, 3, 1); }, 2); }).stack());
}

TEST_F(ExceptionsTest, AnExceptionThatWasNotThrownHasNoStack) {
  const Pid pid = addprocs(1).front();
  auto put = [] {
    try {
      throw Error("handled");  // its memory is free again when the next one is made
    } catch (const Error&) {
    }
    return remotecall_fetch([]() -> int { std::rethrow_exception(std::make_exception_ptr(std::logic_error("made"))); },
                            myid());
  };
  EXPECT_EQ(caught([&] { remotecall_fetch(put, pid); }).stack(), "");
}

TEST_F(ExceptionsTest, AThrowAfterManyHandledOnesHasItsOwnStack) {
  const Pid pid = addprocs(1).front();
  auto body = [] {
    for (int i = 0; i < 1000; i++) {
      try {
        throw Error("handled");
      } catch (const Error&) {
      }
    }
    return call_the_bottom(1);
  };
  EXPECT_TRUE(contains(caught([&] { remotecall_fetch(body, pid); }).stack(), "call_the_bottom"));
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
