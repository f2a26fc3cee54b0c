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
  Sshd& server() { return *server_; }
  /// What addprocs() throws. @param timeout what has to run out before.
  static std::string failure(const std::string& options, const AddprocsOptions& how = {}, Duration timeout = 0s) {
    return thrown_within(timeout, [&] { addprocs("ssh", options, how); });
  }

 private:
  std::unique_ptr<Sshd> server_;
};

}  // namespace cohort::test
