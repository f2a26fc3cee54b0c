#include "io/announcement.hpp"

#include <gtest/gtest.h>

namespace cohort::test {
namespace {

TEST(Announcement, HostsAndPortsAreTakenApart) {
  EXPECT_EQ(announcement_of("127.0.0.1:9123"), "cohort_worker:9123#127.0.0.1");
  EXPECT_EQ(announcement_of("[fd00::7]:9123"), "cohort_worker:9123#fd00::7");
  EXPECT_EQ(announcement_of("node7.site:1"), "cohort_worker:1#node7.site");
}

TEST(Announcement, NoHostHasANameOfThousandsOfLetters) {
  EXPECT_TRUE(parse_announcement("cohort_worker:1#" + std::string(1024, 'h')));
  EXPECT_FALSE(parse_announcement("cohort_worker:1#" + std::string(1025, 'h')));
}

TEST(Announcement, OtherAddressesAreAnnouncedAsTheyAre) {
  for (const char* address : {"unix:/run/user/1/cohort-1/5f", "unix:@cohort-1-7-1", "unix:/tmp/a:80", "inproc:a",
                              "zmq:tcp://10.0.0.1:80", "name", "host:0", "host:70000", "host:"}) {
    const std::string line = announcement_of(address);
    EXPECT_EQ(line, std::string("cohort_worker:0#") + address);
    const auto parsed = parse_announcement(line);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->port, 0);
    EXPECT_EQ(parsed->host, address);
  }
}

}  // namespace
}  // namespace cohort::test
