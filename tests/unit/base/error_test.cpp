// The text of an exception, of whatever type it is.

#include <gtest/gtest.h>

#include <cohort/error.hpp>

namespace cohort {
namespace {

struct Mute : std::exception {
  const char* what() const noexcept override { return nullptr; }
};

TEST(MessageOf, ExceptionsWithoutATextAreToldByTheirType) {
  EXPECT_EQ(message_of(std::make_exception_ptr(Error("no"))), "no");
  EXPECT_EQ(message_of(std::make_exception_ptr(7)), "an exception of type int");
  EXPECT_EQ(message_of(std::make_exception_ptr(std::string("x"))), "an exception of type std::string");
  const std::string mute = message_of(std::make_exception_ptr(Mute()));
  EXPECT_TRUE(mute.ends_with("Mute without a text")) << mute;
}

}  // namespace
}  // namespace cohort
