#include "plugin/loader.hpp"
#include "test_programs.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include <cohort/error.hpp>

namespace cohort::detail {
namespace {

namespace fs = std::filesystem;

const fs::path good = fs::path(COHORT_TEST_PLUGINS) / "good";
const fs::path bad = fs::path(COHORT_TEST_PLUGINS) / "bad";

std::string load_error(const std::string& name_or_path, PluginKind kind = PluginKind::manager) {
  try {
    PluginLoader::instance().load(kind, name_or_path);
  } catch (const PluginError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class PluginLoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("COHORT_PLUGIN_PATH", (good.string() + ":" + bad.string()).c_str(), 1);
    unsetenv("COHORT_TEST_PLUGIN_CODE_RAN");
  }
  void TearDown() override { unsetenv("COHORT_PLUGIN_PATH"); }

  static bool code_ran() { return getenv("COHORT_TEST_PLUGIN_CODE_RAN") != nullptr; }
};

struct Refusal {
  const char* name;
  const char* part;  // of the message
  const char* other_side = "";
  bool runs_code = true;
};

class PluginRefusal : public PluginLoaderTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(PluginRefusal, HasItsOwnMessage) {
  std::string error = load_error(GetParam().name);
  EXPECT_TRUE(error.starts_with("the plugin " + (bad / "libcohort_manager_").string() + GetParam().name)) << error;
  EXPECT_TRUE(contains(error, GetParam().part)) << error;
  EXPECT_TRUE(contains(error, GetParam().other_side)) << error;
  EXPECT_TRUE(GetParam().runs_code || !code_ran()) << "not even static constructors";
  EXPECT_EQ(load_error(GetParam().name), error) << "refused again when asked again";
}

INSTANTIATE_TEST_SUITE_P(
    Each, PluginRefusal,
    ::testing::Values(Refusal{"text", "is not an ELF shared library", "", false},
                      Refusal{"empty", "is not an ELF shared library", "", false},
                      Refusal{"no_symbol", "it exports no symbol 'cohort_plugin'", "", false},
                      Refusal{"wrong_magic", "does not start with the magic bytes", "", false},
                      Refusal{"wrong_size", "has a descriptor of 12 bytes", "this libcohort knows one of", false},
                      Refusal{"wrong_abi", "was built for plugin ABI 77.1", "this libcohort has 3.1", false},
                      Refusal{"newer_abi", "was built for plugin ABI 3.88", "this libcohort has 3.1", false},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
                      Refusal{"changed_field", "was built with other headers: the fingerprint of WorkerConfig is",
                              "in this libcohort: rebuild it", false},
                      Refusal{"changed_place",
                              "was built with other headers: the fingerprint of ClusterManager and LaunchQueue is",
                              "in this libcohort: rebuild it", false},
                      Refusal{"changed_process", "the fingerprint of ChildProcess and the exceptions is",
                              "in this libcohort: rebuild it", false},
                      Refusal{"changed_value", "the fingerprint of ClusterManager and LaunchQueue is",
                              "in this libcohort: rebuild it", false},
                      Refusal{"changed_end", "the fingerprint of ClusterManager and LaunchQueue is",
                              "in this libcohort: rebuild it", false},
#endif
                      Refusal{"undefined_symbol", "cohort_test_function_that_nobody_defines"},
                      Refusal{"wrong_build_tag", "was built as \"cfront-1.0\"", COHORT_BUILD_TAG},
                      Refusal{"wrong_kind", "is a transport plugin", "a manager plugin was asked for"},
                      Refusal{"wrong_name", "manager plugin 'somebody_else' by its descriptor", "plugin 'wrong_name'"},
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
                      Refusal{"own_runtime", "links its own copy of libcohort"},
#endif
                      Refusal{"no_factory", "has a descriptor with empty fields"},
                      Refusal{"no_help", "has an option without a name or a help text"},
                      Refusal{"wrong_default", "default of the option 'patience'", "a duration needs a unit"}),
    [](const auto& each) { return std::string(each.param.name); });

TEST_F(PluginLoaderTest, LoadsByNameAndByPathTheSamePlugin) {
  const Plugin& by_name = PluginLoader::instance().load(PluginKind::manager, "sample");
  const Plugin& by_path =
      PluginLoader::instance().load(PluginKind::manager, (good / "libcohort_manager_sample.so").string());
  EXPECT_EQ(&by_name, &by_path);
  EXPECT_STREQ(by_name.descriptor->version, "1.2.3");
  EXPECT_EQ(by_name.options().size(), 11u);
}

TEST_F(PluginLoaderTest, LoadsAStrippedPlugin) { EXPECT_EQ(load_error("stripped"), ""); }

TEST_F(PluginLoaderTest, MakesAManagerWithItsOptions) {
  const Plugin& plugin = PluginLoader::instance().load(PluginKind::manager, "sample");
  auto manager = plugin.create_manager(plugin.parse_options("{\"dir\": \"/scratch\"}"));
  WorkerConfig config;
  EXPECT_EQ(manager->exit_cause(2, config), "/scratch");
  EXPECT_THROW(plugin.create_transport(plugin.parse_options("{}")), PluginError);
}

TEST_F(PluginLoaderTest, WrongOptionsNameThePluginAndTheKey) {
  const Plugin& plugin = PluginLoader::instance().load(PluginKind::manager, "sample");
  try {
    plugin.parse_options("{\"restrikt\": true}");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "options of the manager 'sample':1:2: unknown key 'restrikt'; did you mean 'restrict'?");
  }
}

TEST_F(PluginLoaderTest, WhatAFactoryThrowsCarriesThePluginsName) {
  Options none = Options::defaults({});
  try {
    PluginLoader::instance().load(PluginKind::manager, "throwing").create_manager(none);
    FAIL() << "made something";
  } catch (const PluginError& error) {
    EXPECT_STREQ(error.what(), "manager plugin 'throwing': the scheduler is on holiday");
  }
  try {
    PluginLoader::instance().load(PluginKind::manager, "refusing").create_manager(none);
    FAIL() << "made something";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "manager plugin 'refusing': host and hosts cannot both be given");
  }
}

TEST_F(PluginLoaderTest, AFactoryThatMakesNothingIsAnError) {
  try {
    PluginLoader::instance().load(PluginKind::manager, "makes_nothing").create_manager(Options::defaults({}));
    FAIL() << "made something";
  } catch (const PluginError& error) {
    EXPECT_STREQ(error.what(), "manager plugin 'makes_nothing': its factory made nothing");
  }
}

TEST_F(PluginLoaderTest, AnUnknownNameSaysWhereItLookedAndWhatThereIs) {
  std::string error = load_error("smaple");
  EXPECT_TRUE(contains(error, "there is no manager plugin 'smaple'; did you mean 'sample'?")) << error;
  EXPECT_TRUE(contains(error, "libcohort_manager_smaple.so in " + good.string() + ", " + bad.string())) << error;
  EXPECT_TRUE(contains(error, "stripped")) << error;
  error = load_error("stripped", PluginKind::transport);
  EXPECT_TRUE(contains(error, "there is no transport plugin 'stripped'")) << error;
}

TEST_F(PluginLoaderTest, APathIsNotSearchedFor) {
  EXPECT_TRUE(contains(load_error("./libcohort_manager_sample.so"), "cannot be read: No such file or directory"));
  std::string error = load_error((good / "libcohort_transport_sample.so").string());
  EXPECT_TRUE(contains(error, "is a transport plugin; a manager plugin was asked for")) << error;
  error = load_error(good.string());
  EXPECT_TRUE(contains(error, "is not named like one: libcohort_manager_NAME.so")) << error;
}

class PluginDirectory : public PluginLoaderTest {
 protected:
  void SetUp() override {
    PluginLoaderTest::SetUp();
    std::string pattern = (fs::temp_directory_path() / "cohort-plugins-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    fs::remove_all(directory_);
    unsetenv("XDG_DATA_HOME");
    PluginLoaderTest::TearDown();
  }

  fs::path directory_;
};

TEST_F(PluginDirectory, ABrokenFileIsAnErrorAndNotPassedOver) {
  std::ofstream(directory_ / "libcohort_manager_sample.so") << "broken";
  setenv("COHORT_PLUGIN_PATH", (directory_.string() + ":" + good.string()).c_str(), 1);
  EXPECT_TRUE(contains(load_error("sample"), "is not an ELF shared library"));
  fs::remove(directory_ / "libcohort_manager_sample.so");
  fs::create_symlink("nowhere", directory_ / "libcohort_manager_sample.so");
  EXPECT_TRUE(contains(load_error("sample"), "cannot be read")) << "a dangling link, too";
}

TEST_F(PluginDirectory, WhatIsNoRegularFileIsRefusedAndNotWaitedFor) {
  const fs::path path = directory_ / "libcohort_manager_sample.so";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(load_error(path), "the plugin " + path.string() + " is not a regular file");
  fs::remove(path);
  fs::create_directory(path);
  EXPECT_EQ(load_error(path), "the plugin " + path.string() + " is not a regular file");
}

TEST_F(PluginDirectory, WhatOthersCouldHavePutThereIsNotLoaded) {
  setenv("COHORT_PLUGIN_PATH", directory_.c_str(), 1);
  const fs::path file = directory_ / "libcohort_manager_sample.so";
  fs::copy(good / "libcohort_manager_sample.so", file);
  fs::permissions(directory_, fs::perms(0777));
  EXPECT_TRUE(contains(load_error("sample"),
                       "is not loaded, because somebody else could have put it there: others may write to " +
                           directory_.string() + " (mode 0777)"));
  EXPECT_FALSE(code_ran());
  const auto listed = PluginLoader::instance().list();
  EXPECT_TRUE(std::any_of(listed.begin(), listed.end(), [](const PluginInfo& info) {
    return info.name == "sample" && contains(info.error, "somebody else");
  }));
  fs::permissions(directory_, fs::perms(0700));
  fs::permissions(file, fs::perms(0666));
  EXPECT_TRUE(contains(load_error("sample"), "others may write to " + file.string()));
  EXPECT_TRUE(contains(load_error(file), "others may write to " + file.string())) << "named by its path, too";
  fs::permissions(file, fs::perms(0644));
  if (geteuid() == 0) {
    ASSERT_EQ(chown(file.c_str(), 1234, 1234), 0);
    EXPECT_TRUE(contains(load_error("sample"), "belongs to the user 1234"));
    ASSERT_EQ(chown(file.c_str(), 0, 0), 0);
  }
  EXPECT_EQ(load_error("sample"), "");
}

TEST_F(PluginDirectory, ARelativePathIsRefused) {
  setenv("COHORT_PLUGIN_PATH", ("plugins:" + good.string()).c_str(), 1);
  EXPECT_TRUE(contains(load_error("sample"), "COHORT_PLUGIN_PATH: 'plugins' is a relative path"));
  EXPECT_TRUE(contains(load_error("sample"), "$PWD/plugins"));
}

TEST_F(PluginDirectory, ThePathComesBeforeTheUsersDirectoryBeforeTheLibrarys) {
  setenv("COHORT_PLUGIN_PATH", "/first::/second", 1);
  setenv("XDG_DATA_HOME", directory_.c_str(), 1);
  std::vector<fs::path> path = PluginLoader::search_path();
  ASSERT_EQ(path.size(), 4u);
  EXPECT_EQ(path[0], "/first");
  EXPECT_EQ(path[1], "/second");
  EXPECT_EQ(path[2], directory_ / "cohort/plugins");
  EXPECT_TRUE(path[3].is_absolute());
  EXPECT_TRUE(path[3].string().ends_with("/cohort/plugins"));
}

TEST_F(PluginDirectory, TheUsersDirectoryIsSearched) {
  unsetenv("COHORT_PLUGIN_PATH");
  setenv("XDG_DATA_HOME", directory_.c_str(), 1);
  fs::create_directories(directory_ / "cohort/plugins");
  fs::copy(good / "libcohort_manager_sample.so", directory_ / "cohort/plugins");
  EXPECT_EQ(load_error("sample"), "");
}

TEST_F(PluginDirectory, ATruncatedOrScrambledLibraryIsRefusedWithoutHarm) {
  std::ifstream file(good / "libcohort_manager_stripped.so", std::ios::binary);
  std::string whole((std::istreambuf_iterator<char>(file)), {});
  fs::path copy = directory_ / "libcohort_manager_stripped.so";
  auto refused = [&](const std::string& bytes) {
    std::ofstream(copy, std::ios::binary | std::ios::trunc) << bytes;
    return load_error(copy.string()) != "";
  };
  // The section table ends the file, so that no shorter file is whole.
  for (std::size_t length = 0; length < whole.size(); length += 1 + whole.size() / 50)
    EXPECT_TRUE(refused(whole.substr(0, length))) << length;
  // Of the ELF header: type and machine, the place of the section table, the size of its entries.
  for (std::size_t field : {16, 17, 18, 19, 40, 41, 42, 43, 44, 45, 46, 47, 58, 59}) {
    std::string scrambled = whole;
    scrambled[field] = static_cast<char>(~scrambled[field]);
    EXPECT_TRUE(refused(scrambled)) << field;
  }
}

TEST_F(PluginLoaderTest, ListsWhatItFindsAndWhyItWasRefused) {
  std::vector<PluginInfo> infos = PluginLoader::instance().list();
  auto find = [&](PluginKind kind, const std::string& name) {
    for (const PluginInfo& info : infos)
      if (info.kind == kind && info.name == name) return info;
    return PluginInfo{kind, "", "", "", "not listed"};
  };
  PluginInfo sample = find(PluginKind::manager, "sample");
  EXPECT_EQ(sample.version, "1.2.3");
  EXPECT_EQ(sample.path, good / "libcohort_manager_sample.so");
  EXPECT_EQ(sample.error, "");
  EXPECT_EQ(find(PluginKind::transport, "sample").version, "0.1.0");
  PluginInfo wrong = find(PluginKind::manager, "wrong_abi");
  EXPECT_EQ(wrong.version, "");
  EXPECT_TRUE(contains(wrong.error, "ABI 77.1")) << wrong.error;
}

TEST_F(PluginLoaderTest, ManyThreadsGetOnePlugin) {
  std::vector<const Plugin*> loaded(8);
  {
    std::vector<std::jthread> threads;
    for (const Plugin*& slot : loaded)
      threads.emplace_back([&slot] { slot = &PluginLoader::instance().load(PluginKind::transport, "sample"); });
  }
  for (const Plugin* plugin : loaded) EXPECT_EQ(plugin, loaded[0]);
}

}  // namespace
}  // namespace cohort::detail
