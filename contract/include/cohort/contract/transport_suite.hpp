#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <cohort/contract/name_of.hpp>
#include <cohort/contract/stream_end.hpp>
#include <cohort/transport.hpp>

namespace cohort::contract {

/// What the suite needs to know about a transport.
struct TransportUnderTest {
  std::string name;               ///< part of the names of the tests; letters, digits and _
  std::string plugin;             ///< name, or path with a '/'
  std::string options = "{}";     ///< JSON object
  std::string bind{};             ///< where to listen; several listeners must be possible there at the same time
  std::string secret{};           ///< for Transport::set_secret(); empty: it is not called
  bool optional = false;          ///< skip the tests on hosts where it cannot listen
  bool between_processes = true;  ///< false: connects within one process only
  /// Used instead of `options`: creates the options, and the files that they name, before each test.
  std::function<std::string()> make_options{};
};

std::string test_name(const TransportUnderTest& transport);
inline std::ostream& operator<<(std::ostream& out, const TransportUnderTest& transport) {
  return out << transport.name;
}

/// Tests what every transport must do. Instantiate it for your transport, link to gtest_main, and run each test in a
/// process of its own (as gtest_discover_tests does):
///
///   INSTANTIATE_TEST_SUITE_P(Mine, TransportContract, testing::Values(TransportUnderTest{...}), name_of);
class TransportContract : public ::testing::TestWithParam<TransportUnderTest> {
 protected:
  /// The connecting end and the accepting end.
  struct Connected {
    std::unique_ptr<StreamEnd> near;
    std::unique_ptr<StreamEnd> far;
  };

  void SetUp() override;
  std::unique_ptr<Listener> listen() { return transport_->listen(GetParam().bind); }
  /// Connects on one thread and accepts on another. @throws std::exception if that fails.
  Connected connect_to(Listener& listener);
  Connected connect();
  /// Waits for the next connection in the same way as a node.
  /// @param given_up called from time to time; true: no connection will come any more.
  static std::unique_ptr<StreamEnd> accept_one(Listener& listener, const std::function<bool()>& given_up = {});

  std::unique_ptr<Transport> transport_;
  std::unique_ptr<Listener> listener_;  // made by connect()
};

}  // namespace cohort::contract
