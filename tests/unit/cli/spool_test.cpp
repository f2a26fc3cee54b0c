#include "spool.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include <cohort/error.hpp>

namespace cohort::cli {
namespace {

TEST(Spool, WhatIsMuchGoesToAFileAndComesBack) {
  Spool spool(10);
  std::vector<Spool::Text> texts;
  for (const std::string text : {"12345678", "much of it", "ab", "and more"}) texts.push_back(spool.keep(text));
  EXPECT_EQ(spool.bytes_in_file(), 18u);
  EXPECT_EQ(texts[0].read(), "12345678");
  EXPECT_EQ(texts[1].read(), "much of it");
  EXPECT_EQ(texts[2].read(), "ab");
  EXPECT_EQ(texts[3].read(), "and more");
}

TEST(Spool, RoomIsGivenBack) {
  Spool spool(10);
  std::optional<Spool::Text> first(spool.keep("0123456789"));
  std::optional<Spool::Text> second(spool.keep("x"));
  EXPECT_EQ(spool.bytes_in_file(), 1u);
  first.reset();
  const auto third = spool.keep("y");
  EXPECT_EQ(spool.bytes_in_file(), 1u);
  second.reset();
  EXPECT_EQ(spool.bytes_in_file(), 0u);
  EXPECT_EQ(third.read(), "y");
}

TEST(Spool, AFullDiskIsAnErrorInWords) {
  rlimit usual{};
  getrlimit(RLIMIT_FSIZE, &usual);
  const rlimit little{100, usual.rlim_max};
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &little);
  Spool spool(10);
  std::string message;
  try {
    spool.keep(std::string(1000, 'x'));
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_FSIZE, &usual);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(message.find("cannot keep the output of jobs in a file in "), 0u) << message;
  EXPECT_NE(message.find("File too large; TMPDIR says another directory"), std::string::npos) << message;
  EXPECT_EQ(spool.keep(std::string(1000, 'y')).read(), std::string(1000, 'y'));
}

}  // namespace
}  // namespace cohort::cli
