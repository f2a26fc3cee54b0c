#include <cohort/file_access.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <cohort/file_descriptor.hpp>

namespace cohort {
namespace {

namespace fs = std::filesystem;

class FileAccessTest : public testing::Test {
 protected:
  FileAccessTest() {
    std::string pattern = (fs::temp_directory_path() / "cohort-file-access.XXXXXX").string();
    directory_ = fs::canonical(::mkdtemp(pattern.data()));
    fs::create_directory(directory_ / "sub");
    fs::permissions(directory_ / "sub", fs::perms(0755));
    write("sub/file");
  }
  ~FileAccessTest() override { fs::remove_all(directory_); }

  fs::path path(const std::string& name) const { return directory_ / name; }
  void write(const std::string& name, int mode = 0644) const {
    std::ofstream(path(name)) << "text";
    fs::permissions(path(name), fs::perms(mode));
  }
  std::string untrusted(const std::string& name) const { return why_untrusted(path(name)); }
  std::string not_private(const std::string& name) const {
    const FileDescriptor file(::open(path(name).c_str(), O_RDONLY | O_CLOEXEC));
    return why_not_private(file.get(), path(name));
  }

  fs::path directory_;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

TEST_F(FileAccessTest, AFileOfThisUserInADirectoryOfThisUserIsTrusted) { EXPECT_EQ(untrusted("sub/file"), ""); }

TEST_F(FileAccessTest, AFileOrDirectoryThatOthersMayWriteIsNot) {
  fs::permissions(path("sub/file"), fs::perms(0646));
  EXPECT_TRUE(
      has(untrusted("sub/file"), "others may write to " + path("sub/file").string() + " (mode 0646); chmod go-w"));
  fs::permissions(path("sub/file"), fs::perms(0644));
  fs::permissions(path("sub"), fs::perms(0777));
  EXPECT_TRUE(has(untrusted("sub/file"), "others may write to " + path("sub").string() + " (mode 0777)"));
}

TEST_F(FileAccessTest, NobodyReplacesWhatIsOfAnotherInAStickyDirectory) {
  fs::permissions(path("sub"), fs::perms(01777));
  EXPECT_EQ(untrusted("sub/file"), "");
}

TEST_F(FileAccessTest, TheWayByALinkCountsAndSoDoesItsTarget) {
  fs::create_directory(path("open"));
  fs::permissions(path("open"), fs::perms(0777));
  fs::create_symlink(path("sub/file"), path("open/link"));
  EXPECT_TRUE(has(untrusted("open/link"), path("open").string()));
  write("open/file");
  fs::create_symlink("../open/file", path("sub/link"));
  EXPECT_TRUE(has(untrusted("sub/link"), path("open").string()));
  fs::create_symlink("file", path("sub/good"));
  EXPECT_EQ(untrusted("sub/good"), "");
  fs::create_symlink("loop", path("sub/loop"));
  EXPECT_NE(untrusted("sub/loop"), "");
}

TEST_F(FileAccessTest, WhatIsNotThereIsNot) { EXPECT_TRUE(has(untrusted("none"), "No such file")); }

TEST_F(FileAccessTest, WhatIsOfAnotherUserIsNot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(path("sub/file").c_str(), 1234, 1234), 0);
  EXPECT_TRUE(has(untrusted("sub/file"), "belongs to the user 1234"));
  EXPECT_TRUE(has(not_private("sub/file"), "belongs to the user 1234"));
}

TEST_F(FileAccessTest, AGroupMayWriteOnlyIfItIsTheUsersOwn) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_EQ(::chown(path("sub/file").c_str(), 0, 0), 0);
  fs::permissions(path("sub/file"), fs::perms(0664));
  EXPECT_EQ(untrusted("sub/file"), "");
  ASSERT_EQ(::chown(path("sub/file").c_str(), 0, 4321), 0);
  EXPECT_TRUE(has(untrusted("sub/file"), "others may write"));
}

TEST_F(FileAccessTest, ASecretIsForItsOwnerAlone) {
  write("secret", 0600);
  EXPECT_EQ(not_private("secret"), "");
  for (const int mode : {0644, 0640, 0604, 0620, 0602}) {
    write("secret", mode);
    EXPECT_TRUE(has(not_private("secret"), "chmod 600 " + path("secret").string())) << mode;
  }
}

TEST_F(FileAccessTest, APipeIsPrivate) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const FileDescriptor in(ends[0]), out(ends[1]);
  EXPECT_EQ(why_not_private(in.get(), "standard input"), "");
}

TEST(ExpandHome, TakesATildeAtTheBeginningOnly) {
  const char* home = std::getenv("HOME");
  const std::string before = home == nullptr ? "" : home;
  ::setenv("HOME", "/house/ada", 1);
  EXPECT_EQ(expand_home("~"), "/house/ada");
  EXPECT_EQ(expand_home("~/x/~"), "/house/ada/x/~");
  EXPECT_EQ(expand_home("x/~"), "x/~");
  EXPECT_EQ(expand_home(""), "");
  ::setenv("HOME", before.c_str(), 1);
  EXPECT_EQ(expand_home("~root/x"), std::string(::getpwuid(0)->pw_dir) + "/x");
  EXPECT_EQ(expand_home("~no-such-user/x"), "~no-such-user/x");
}

}  // namespace
}  // namespace cohort
