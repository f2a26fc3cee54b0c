#include "membership/members.hpp"

#include <gtest/gtest.h>

namespace cohort {
namespace {

TEST(MembersTest, WhoWasRemovedIsGoneWithItsCause) {
  Members members;
  members.add({.pid = 2});
  EXPECT_FALSE(members.is_gone(2));
  EXPECT_TRUE(members.remove(2, "killed"));
  EXPECT_FALSE(members.remove(2, "again"));
  EXPECT_TRUE(members.is_gone(2));
  EXPECT_EQ(members.cause_of_end(2), "killed");
}

// As a process that joins knows them.
TEST(MembersTest, IdsThatWereGivenBeforeAreGoneUnlessTheyAreMembersOrComing) {
  Members members;
  members.add({.pid = 1});
  members.add({.pid = 4});
  members.add({.pid = 7});
  members.set_ids_given({.highest = 7, .coming_up = {5, 6}});
  for (const Pid gone : {2, 3}) EXPECT_TRUE(members.is_gone(gone)) << gone;
  for (const Pid other : {-1, 0, 1, 4, 5, 6, 7, 8, 99}) EXPECT_FALSE(members.is_gone(other)) << other;
  members.add({.pid = 5});
  EXPECT_TRUE(members.contains(5));
  members.remove(5);
  EXPECT_TRUE(members.is_gone(5));
}

}  // namespace
}  // namespace cohort
