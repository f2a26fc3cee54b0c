#include "membership/members.hpp"

#include <gtest/gtest.h>

#include <cohort/io_pair.hpp>

namespace cohort {
namespace {

// A connection between this process and itself, which is never started.
class MembersTest : public testing::Test, public Connection::Handler {
 protected:
  void on_established(const std::shared_ptr<Connection>&) override {}
  void on_frame(const std::shared_ptr<Connection>&, Frame&&) override {}
  void on_closed(const std::shared_ptr<Connection>&, const std::string&) override {}

  std::shared_ptr<Connection> connect() {
    return std::make_shared<Connection>(reactor_, *this, make_buffer_pair(1024).first, Handshake::Role::acceptor,
                                        Identity{}, "cookie");
  }
  MemberInfo member(Pid pid, std::int32_t place) { return {pid, "", place, "", {}}; }

  Reactor reactor_{{}};
  Members members_;
};

TEST_F(MembersTest, ANewWorkerTakesTheLowestFreePlace) {
  EXPECT_EQ(members_.free_place(), 0);
  members_.add(member(1, -1));
  for (std::int32_t place = 0; place < 4; place++) members_.add(member(place + 2, place));
  EXPECT_EQ(members_.free_place(), 4);
  members_.remove(5);
  EXPECT_EQ(members_.free_place(), 3);
  members_.remove(3);
  EXPECT_EQ(members_.free_place(), 1);
  members_.add(member(6, 1));
  EXPECT_EQ(members_.free_place(), 3);
  members_.add(member(6, 7));  // it moves
  EXPECT_EQ(members_.free_place(), 1);
}

TEST_F(MembersTest, WhoOnlyConnectedIsListedNowhereAndForgotten) {
  members_.add(member(1, -1));
  const auto connection = connect();
  ASSERT_TRUE(members_.bind(77, connection));
  EXPECT_EQ(members_.connection(77), connection);
  EXPECT_EQ(members_.pids(), std::vector<Pid>{1});
  EXPECT_EQ(members_.list().size(), 1u);
  EXPECT_FALSE(members_.contains(77));
  members_.unbind(77, connection.get());
  EXPECT_EQ(members_.connection(77), nullptr);
  EXPECT_EQ(members_.attempt(77).attempt, nullptr);
}

TEST_F(MembersTest, AMemberMayConnectBeforeItIsAdded) {
  const auto connection = connect();
  ASSERT_TRUE(members_.bind(2, connection));
  members_.add(member(2, 0));
  EXPECT_EQ(members_.pids(), std::vector<Pid>{2});
  EXPECT_EQ(members_.connection(2), connection);
  members_.unbind(2, connection.get());
  EXPECT_EQ(members_.pids(), std::vector<Pid>{2});
  EXPECT_TRUE(members_.contains(2));
}

TEST_F(MembersTest, WhoWasRemovedIsGoneWithItsCause) {
  members_.add({.pid = 2});
  EXPECT_FALSE(members_.is_gone(2));
  EXPECT_TRUE(members_.remove(2, "killed"));
  EXPECT_FALSE(members_.remove(2, "again"));
  EXPECT_TRUE(members_.is_gone(2));
  EXPECT_EQ(members_.cause_of_end(2), "killed");
}

// Whoever waits for the connection would wait for the whole of timeouts.connect otherwise.
TEST_F(MembersTest, WhoIsRemovedLeavesTheAttemptToConnectToWhoeverRemovesIt) {
  members_.add({.pid = 2});
  const auto begun = members_.attempt(2);
  EXPECT_TRUE(begun.start);
  const auto removed = members_.remove(2);
  ASSERT_TRUE(removed.has_value());
  EXPECT_EQ(removed->attempt, begun.attempt);
  EXPECT_EQ(members_.attempt(2).attempt, nullptr) << "no other one begins";
}

// As a process that joins knows them.
TEST_F(MembersTest, IdsThatWereGivenBeforeAreGoneUnlessTheyAreMembersOrComing) {
  members_.add({.pid = 1});
  members_.add({.pid = 4});
  members_.add({.pid = 7});
  members_.set_ids_given({.highest = 7, .coming_up = {5, 6}});
  for (const Pid gone : {2, 3}) EXPECT_TRUE(members_.is_gone(gone)) << gone;
  for (const Pid other : {-1, 0, 1, 4, 5, 6, 7, 8, 99}) EXPECT_FALSE(members_.is_gone(other)) << other;
  members_.add({.pid = 5});
  EXPECT_TRUE(members_.contains(5));
  members_.remove(5);
  EXPECT_TRUE(members_.is_gone(5));
  EXPECT_FALSE(members_.bind(3, connect())) << "nor can anybody come under such an id";
  EXPECT_TRUE(members_.bind(6, connect()));
}

}  // namespace
}  // namespace cohort
