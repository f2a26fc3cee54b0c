#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cluster_test.hpp"
#include "counted.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

namespace fs = std::filesystem;

class ModulesTest : public ClusterTest {
 protected:
  void SetUp() override { unsetenv("COHORT_TEST_LOADED"); }  // workers inherit it
};

fs::path module_file(const std::string& name) { return fs::path(COHORT_TEST_MODULES) / (name + ".so"); }

/// A directory for modules that change or vanish.
class Directory {
 public:
  Directory() {
    std::string pattern = (fs::temp_directory_path() / "cohort-modules.XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~Directory() { fs::remove_all(path_); }
  fs::path put(const std::string& module, const std::string& name) const {
    fs::remove(path_ / name);  // not written over: the old one may be mapped
    fs::copy_file(module_file(module), path_ / name);
    return path_ / name;
  }

 private:
  fs::path path_;
};

std::string loaded() {
  const char* text = std::getenv("COHORT_TEST_LOADED");
  return text == nullptr ? "" : text;
}

TEST_F(ModulesTest, NamedFunctionsOfAModuleCanBeCalledEverywhere) {
  addprocs(2);
  load_module(module_file("statistics"));
  for (const Pid pid : procs()) {
    EXPECT_EQ(call_named<double>("mean", pid, std::vector<double>{1, 2, 6}), 3.0);
    EXPECT_EQ(call_named<std::string>("greet", pid, "you"), "hello you from " + std::to_string(pid));
    EXPECT_EQ(call_named<double>("twice", pid, 2.5), 5.0);
    call_named<void>("nothing", pid, 1);
    EXPECT_EQ(remotecall_named<double>("twice", pid, 4.0).fetch(), 8.0);
    Future<int> future(master_pid);
    future.put(pid);
    EXPECT_EQ(call_named<int>("fetched", pid, future), pid);
  }
}

TEST_F(ModulesTest, UnnamedFunctionsOfAModuleToo) {
  const auto pids = addprocs(2);
  load_module(module_file("statistics"));
  EXPECT_EQ(call_named<Pid>("ask", master_pid, pids[1]), 100 + pids[1]);
  EXPECT_EQ(call_named<Pid>("ask", pids[0], pids[1]), 100 + pids[1]);
}

TEST_F(ModulesTest, ACoroutineCanBeCalledByName) {
  const Pid pid = addprocs(1).front();
  load_module(module_file("statistics"));
  for (const Pid each : {pid, master_pid}) {
    Future<int> future(master_pid);
    const auto result = remotecall_named<int>("later", each, future);
    future.put(each);
    EXPECT_EQ(result.fetch(), 2 * each);
    EXPECT_EQ(call_named<int>("later", each, future), 2 * each);
    Future<int> negative(master_pid);
    negative.put(-1);
    EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { call_named<int>("later", each, negative); }), "less than"));
  }
}

TEST_F(ModulesTest, LargeArgumentsAndResultsAndFailures) {
  const Pid pid = addprocs(1).front();
  load_module(module_file("statistics"));
  EXPECT_EQ(call_named<double>("mean", pid, std::vector<double>(1 << 18, 4.0)), 4.0);
  for (const Pid each : {pid, master_pid}) {
    try {
      call_named<double>("mean", each, std::vector<double>{});
      FAIL() << "nothing was thrown";
    } catch (const RemoteException& error) {
      EXPECT_EQ(error.worker(), each);
      EXPECT_EQ(error.message(), "the mean of nothing");
    }
    EXPECT_TRUE(contains(thrown_by([&] { remotecall_named<double>("mean", each, std::vector<double>{}).fetch(); }),
                         "the mean of nothing"));
  }
}

TEST_F(ModulesTest, AWrongSignatureIsRefusedWithBoth) {
  const Pid pid = addprocs(1).front();
  load_module(module_file("statistics"));
  for (const Pid each : {pid, master_pid}) {
    auto text = thrown_by<RemoteException>([&] { call_named<double>("twice", each, 1); });
    EXPECT_TRUE(contains(text, "'twice' is a double (double), but was called as a double (int)")) << text;
    text = thrown_by<RemoteException>([&] { call_named<int>("twice", each, 1.0); });
    EXPECT_TRUE(contains(text, "'twice' is a double (double), but was called as a int (double)")) << text;
    text = thrown_by<RemoteException>([&] { call_named<std::string>("greet", each); });
    EXPECT_TRUE(contains(text, "'greet' is a std::string (std::string), but was called as a std::string ()")) << text;
  }
}

int number_of_counted(const Counted& counted) { return counted.number; }
COHORT_FUNCTION(number_of_counted)

TEST_F(ModulesTest, AWrongSignatureIsRefusedBeforeAnythingIsDecoded) {
  const Pid pid = addprocs(1).front();
  for (const Pid each : {pid, master_pid}) {
    const int before = remotecall_fetch(fn<times_read>, each);
    const Counted value{5};
    EXPECT_TRUE(contains(thrown_by([&] { call_named<long>("number_of_counted", each, value); }), "was called as a"));
    EXPECT_TRUE(contains(thrown_by([&] { call_named<int>("number_of_counted", each, value, 1); }), "was called as a"));
    EXPECT_TRUE(contains(thrown_by([&] { remotecall_named<long>("number_of_counted", each, value).fetch(); }),
                         "was called as a"));
    EXPECT_EQ(remotecall_fetch(fn<times_read>, each), before);
    EXPECT_EQ(call_named<int>("number_of_counted", each, value), 5);
    EXPECT_EQ(remotecall_fetch(fn<times_read>, each), before + 1) << "it counts";
  }
}

TEST_F(ModulesTest, AnUnknownNameIsAnErrorWithTheNearestOne) {
  const Pid pid = addprocs(1).front();
  EXPECT_TRUE(contains(thrown_by([&] { call_named<double>("twice", pid, 1.0); }), "is its module loaded"));
  load_module(module_file("statistics"));
  try {
    call_named<double>("twise", pid, 1.0);
    FAIL() << "nothing was thrown";
  } catch (const RemoteException& error) {
    EXPECT_TRUE(contains(error.what(), "'twise'; did you mean 'twice'?")) << error.what();
    EXPECT_EQ(error.kind(), ErrorKind::unimplemented);
  }
}

TEST_F(ModulesTest, WorkersThatComeLaterLoadTheSameInTheSameOrder) {
  load_module(module_file("statistics"));
  EXPECT_EQ(loaded(), "statistics;");
  unsetenv("COHORT_TEST_LOADED");
  const Pid early = addprocs(1).front();
  load_module(module_file("versioned1"));
  load_module(module_file("statistics"));  // again: nothing happens
  EXPECT_EQ(loaded(), "versioned1;");
  EXPECT_EQ(remotecall_fetch(fn<loaded>, early), "statistics;versioned1;");
  unsetenv("COHORT_TEST_LOADED");
  for (const Pid pid : addprocs(2)) EXPECT_EQ(remotecall_fetch(fn<loaded>, pid), "statistics;versioned1;") << pid;
}

TEST_F(ModulesTest, TheMasterSendsAFileThatTheWorkerDoesNotFind) {
  const Directory directory;
  const auto path = directory.put("versioned1", "module.so");
  load_module(path);
  fs::remove(path);
  unsetenv("COHORT_TEST_LOADED");
  const Pid missing = addprocs(1).front();
  EXPECT_EQ(call_named<int>("module_version", missing), 1);
  directory.put("versioned2", "module.so");
  const Pid other_build = addprocs(1).front();
  EXPECT_EQ(call_named<int>("module_version", other_build), 1);
  EXPECT_EQ(remotecall_fetch(fn<loaded>, other_build), "versioned1;");
}

TEST_F(ModulesTest, ARebuiltModuleReplacesTheNamedFunctions) {
  const Directory directory;
  const Pid pid = addprocs(1).front();
  load_module(directory.put("versioned1", "module.so"));
  load_module(directory.put("versioned2", "module.so"));
  const Pid late = addprocs(1).front();
  for (const Pid each : {pid, late, master_pid}) EXPECT_EQ(call_named<int>("module_version", each), 2) << each;
}

TEST_F(ModulesTest, WhatTheMasterCannotLoadIsSentToNobody) {
  const Pid pid = addprocs(1).front();
  const auto failure = [](const fs::path& path) { return thrown_by<PluginError>([&] { load_module(path); }); };
  auto text = failure("/no/such/module.so");
  EXPECT_TRUE(contains(text, "/no/such/module.so") && contains(text, "No such file")) << text;
  text = failure(module_file("undefined_symbol"));
  EXPECT_TRUE(contains(text, "undefined_symbol.so: undefined symbol: _Z24function_that_is_nowherev")) << text;
  text = failure(module_file("no_build_id"));
  EXPECT_TRUE(contains(text, "no_build_id.so: it has no build-id; link it with -Wl,--build-id")) << text;
  const Directory directory;
  const auto junk = directory.put("versioned1", "junk.so");
  std::ofstream(junk, std::ios::trunc) << "text";
  text = failure(junk);
  EXPECT_TRUE(contains(text, "junk.so: it is not an ELF shared library")) << text;
  EXPECT_EQ(addprocs(1).size(), 1u);
  EXPECT_TRUE(contains(thrown_by([&] { remotecall_fetch([] { load_module("x.so"); }, pid); }), "Only process 1"));
}

TEST_F(ModulesTest, WhatTheDynamicLinkerSaysOnAWorkerIsTold) {
  const Directory directory;
  directory.put("libsibling", "libsibling.so");
  const auto path = directory.put("needs_sibling", "module.so");
  load_module(path);
  const Pid pid = addprocs(1).front();
  for (const Pid each : procs()) EXPECT_EQ(call_named<int>("ask_sibling", each), 1);
  fs::remove(path.parent_path() / "libsibling.so");
  const auto text = thrown_by<LaunchError>([] { addprocs(1); });
  EXPECT_TRUE(contains(text, "worker " + std::to_string(pid + 1)) && contains(text, path.string()) &&
              contains(text, "libsibling.so: cannot open shared object file"))
      << text;
  EXPECT_EQ(workers(), std::vector<Pid>{pid});
}

TEST_F(ModulesTest, AWorkerThatCannotLoadIsNamedWithTheCause) {
  const Pid pid = addprocs(1).front();
  try {
    load_module(module_file("workers_refuse"));
    FAIL() << "nothing was thrown";
  } catch (const CompositeException& error) {
    ASSERT_EQ(error.size(), 1u);
    const auto text = message_of(error.exceptions()[0]);
    EXPECT_TRUE(contains(text, "process " + std::to_string(pid)) && contains(text, "wants no workers")) << text;
  }
}

TEST_F(ModulesTest, AWorkerThatCannotLoadDoesNotJoin) {
  load_module(module_file("workers_refuse"));
  const auto text = thrown_by<LaunchError>([] { addprocs(1); });
  EXPECT_TRUE(contains(text, "worker 2") && contains(text, "wants no workers")) << text;
  EXPECT_EQ(nprocs(), 1);
}

// Whichever of them is asked first, names its own function: the dynamic linker does not make one of all.
TEST_F(ModulesTest, EachOfTwoModulesWithOneFunctionNamesItsOwn) {
  const auto open = [](int number) {
    return dlopen(module_file("same_function" + std::to_string(number)).c_str(), RTLD_NOW | RTLD_LOCAL);
  };
  const auto module_of_twice = [](void* module) {
    return reinterpret_cast<std::uint64_t (*)()>(dlsym(module, "module_of_twice"))();
  };
  void* first = open(1);
  void* second = open(2);
  ASSERT_TRUE(first != nullptr && second != nullptr) << dlerror();
  const auto of_second = module_of_twice(second), of_first = module_of_twice(first);  // not in the order of loading
  EXPECT_NE(of_first, of_second);
  void* third = open(3);  // after both were asked
  ASSERT_NE(third, nullptr) << dlerror();
  EXPECT_NE(module_of_twice(third), of_first);
  EXPECT_NE(module_of_twice(third), of_second);
}

TEST_F(ModulesTest, AFunctionIsFoundThoughAnotherModuleOfThisProcessHasItToo) {
  const Pid pid = addprocs(1).front();
  void* here = dlopen(module_file("same_function1").c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(here, nullptr) << dlerror();
  reinterpret_cast<std::uint64_t (*)()>(dlsym(here, "module_of_twice"))();
  load_module(module_file("same_function2"));
  void* everywhere = dlopen(module_file("same_function2").c_str(), RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(everywhere, nullptr) << dlerror();
  EXPECT_EQ(reinterpret_cast<double (*)(Pid)>(dlsym(everywhere, "twice_at"))(pid), 8.0);
}

std::string maps_with(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (line.find(name) != line.npos) return line;
  return "";
}

// A build-id is easily forged; who may write there could have put another module in its place.
TEST_F(ModulesTest, AModuleThatOthersMayWriteComesFromTheMasterInstead) {
  const Pid pid = addprocs(1).front();
  const Directory directory;
  const auto path = directory.put("statistics", "open.so");
  fs::permissions(path, fs::perms(0777));
  load_module(path);
  EXPECT_EQ(call_named<double>("twice", pid, 2.5), 5.0);
  EXPECT_EQ(remotecall_fetch(fn<maps_with>, pid, path.string()), "");
  EXPECT_NE(remotecall_fetch(fn<maps_with>, pid, std::string("memfd:cohort-module")), "");
}

}  // namespace
}  // namespace cohort::test
