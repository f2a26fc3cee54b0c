// cohort-contract: tests of the contract for any plugin. `cohort plugin test` starts it once for each test, so that the
// tool needs no GoogleTest, and a plugin that crashes or hangs spoils one test only. Its workers are this program, too.
//
//   cohort-contract --kind=manager|transport --plugin=PATH [--options=JSON] [--no-count] [--one-process] [...]
//     ... --list                                     prints the names of the tests
//     ... --test=NAME --result=FILE --output=FILE    runs one; what is printed goes to the file

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/contract/manager_suite.hpp>
#include <cohort/contract/transport_suite.hpp>
#include <cohort/error.hpp>
#include <cohort/session.hpp>

#include "result_file.hpp"

namespace cohort::contract {
namespace {

struct Arguments {
  std::string kind, plugin, options = "{}", test, result, output;
  bool has_count = true;
  bool between_processes = true;
  bool list = false;
};

Arguments& arguments() {
  static Arguments given;
  return given;
}

void read_arguments(int argc, char** argv) {
  Arguments& given = arguments();
  const std::vector<std::pair<std::string_view, std::string*>> values = {
      {"--kind=", &given.kind}, {"--plugin=", &given.plugin}, {"--options=", &given.options},
      {"--test=", &given.test}, {"--result=", &given.result}, {"--output=", &given.output}};
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    bool known = true;
    if (argument == "--no-count")
      given.has_count = false;
    else if (argument == "--one-process")
      given.between_processes = false;
    else if (argument == "--list")
      given.list = true;
    else
      known = false;
    for (const auto& [flag, value] : values) {
      if (!argument.starts_with(flag)) continue;
      *value = argument.substr(flag.size());
      known = true;
    }
    if (!known) throw Error("unknown argument '" + std::string(argument) + "'");
  }
  if ((given.kind != "manager" && given.kind != "transport") || given.plugin.empty())
    throw Error("this program is for `cohort plugin test`");
}

std::vector<ManagerUnderTest> managers() {
  const Arguments& given = arguments();
  if (given.kind != "manager") return {};
  return {{.name = "plugin",
           .plugin = given.plugin,
           .options = given.options,
           .count_option = given.has_count ? "count" : "",
           .knows_cause = false}};  // nobody said so; when it is not known, the test is skipped with these words
}

std::vector<TransportUnderTest> transports() {
  const Arguments& given = arguments();
  if (given.kind != "transport") return {};
  return {{.name = "plugin",
           .plugin = given.plugin,
           .options = given.options,
           .secret = std::string(32, 's'),
           .between_processes = given.between_processes}};
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(ManagerContract);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TransportContract);
INSTANTIATE_TEST_SUITE_P(Plugin, ManagerContract, testing::ValuesIn(managers()), name_of);
INSTANTIATE_TEST_SUITE_P(Plugin, TransportContract, testing::ValuesIn(transports()), name_of);

/// Calls `body` with each test that there is, by its name in the source and GoogleTest's name of it.
template <class Body>
void for_each_test(Body&& body) {
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); i++) {
    const auto& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); j++) {
      const std::string name = suite.GetTestInfo(j)->name();
      body(name.substr(0, name.find('/')), std::string(suite.name()) + '.' + name);
    }
  }
}

void print_to(const std::string& file) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (descriptor < 0) throw Error("cannot write " + file);
  ::dup2(descriptor, STDOUT_FILENO);
  ::dup2(descriptor, STDERR_FILENO);
  ::close(descriptor);
}

int run(int argc, char** argv) {
  // Tests of transports fork, and so must be without a session's threads.
  std::optional<Session> session;
  const std::string_view first = argc > 1 ? argv[1] : "";
  if (first == "--kind=manager" || first.starts_with("--cohort-worker")) session.emplace(argc, argv);
  read_arguments(argc, argv);
  const Arguments& given = arguments();
  int one = 1;
  testing::InitGoogleTest(&one, argv);
  if (given.list) {
    for_each_test([](const std::string& name, const std::string&) { std::cout << name << '\n'; });
    return 0;
  }
  for_each_test([&](const std::string& name, const std::string& full_name) {
    if (name == given.test) testing::GTEST_FLAG(filter) = full_name;
  });
  print_to(given.output);
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new ResultFile(given.result));  // owned by GoogleTest
  return RUN_ALL_TESTS();
}

}  // namespace
}  // namespace cohort::contract

int main(int argc, char** argv) {
  try {
    return cohort::contract::run(argc, argv);
  } catch (...) {
    std::cerr << "cohort-contract: " << cohort::message_of(std::current_exception()) << '\n';
    return 2;
  }
}
