#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

#include "../cluster/cluster_test.hpp"
#include "sshd.hpp"

namespace cohort::test {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

/// A test with a server, whose workers are removed before it ends.
class SshTest : public ClusterTest {
 protected:
  void TearDown() override {
    ClusterTest::TearDown();
    server_.reset();
  }
  Sshd& serve(const std::string& settings = "") {
    server_ = std::make_unique<Sshd>(settings);
    return *server_;
  }
  /// What addprocs() throws, which must be soon.
  static std::string failure(const std::string& options, const AddprocsOptions& how = {}) {
    const auto start = Clock::now();
    std::string text = thrown_by([&] { addprocs("ssh", options, how); });
    EXPECT_LT(Clock::now() - start, 60s);
    return text;
  }

 private:
  std::unique_ptr<Sshd> server_;
};

}  // namespace cohort::test
