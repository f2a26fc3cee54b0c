// What files of known hosts say about a server.

#include "known_hosts.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "../cluster/processes.hpp"

namespace cohort_ssh {
namespace {

using testing::HasSubstr;
using Verdict = KnownHosts::Verdict;

class KnownHostsTest : public testing::Test {
 protected:
  static Key make_key(ssh_keytypes_e type = SSH_KEYTYPE_ED25519) {
    ssh_key key = nullptr;
    if (::ssh_pki_generate(type, 256, &key) != SSH_OK) throw std::runtime_error("no key");
    return Key(key);
  }
  /// "ssh-ed25519 AAAA…"
  static std::string text(const Key& key) {
    char* encoded = nullptr;
    if (::ssh_pki_export_pubkey_base64(key.get(), &encoded) != SSH_OK) throw std::runtime_error("no text");
    return ::ssh_key_type_to_char(::ssh_key_type(key.get())) + (' ' + take_text(encoded));
  }
  KnownHosts read(const std::string& lines, const std::string& host = "node1", int port = 22) {
    std::ofstream(directory_.path("known_hosts")) << lines;
    return KnownHosts({directory_.path("none"), directory_.path("known_hosts")}, host, port);
  }
  Verdict verdict(const std::string& lines, const std::string& host = "node1", int port = 22) {
    return read(lines, host, port).verdict(mine_.get());
  }

  const cohort::test::TemporaryDirectory directory_;
  const Key mine_ = make_key(), other_ = make_key();
  const std::string mine_text_ = text(mine_), other_text_ = text(other_);
};

TEST_F(KnownHostsTest, AKeyIsKnownOnlyForItsHostAndPort) {
  EXPECT_EQ(verdict("node1 " + mine_text_ + " ada@laptop\n"), Verdict::known);
  EXPECT_EQ(verdict("node2 " + mine_text_ + '\n'), Verdict::unknown);
  EXPECT_EQ(verdict("node2,node* " + mine_text_ + '\n'), Verdict::known);
  EXPECT_EQ(verdict("node1 " + mine_text_ + '\n', "NODE1"), Verdict::known);
  EXPECT_EQ(verdict("node1 " + mine_text_ + '\n', "node1", 2222), Verdict::unknown);
  EXPECT_EQ(verdict("[node1]:2222 " + mine_text_ + '\n', "node1", 2222), Verdict::known);
  EXPECT_EQ(verdict("fe80::1 " + mine_text_ + '\n', "fe80::1"), Verdict::known);
  EXPECT_EQ(verdict("node_1 " + mine_text_ + '\n', "node_1"), Verdict::known);
  EXPECT_EQ(verdict(""), Verdict::unknown);
  EXPECT_EQ(verdict("# node1 " + mine_text_ + '\n'), Verdict::unknown);
}

TEST_F(KnownHostsTest, AnotherKeyIsToldByItsType) {
  EXPECT_EQ(verdict("node1 " + other_text_ + '\n'), Verdict::changed);
  EXPECT_EQ(verdict("node1 " + text(make_key(SSH_KEYTYPE_ECDSA_P256)) + '\n'), Verdict::other_type);
  EXPECT_EQ(verdict("node1 " + other_text_ + "\nnode1 " + mine_text_ + '\n'), Verdict::known) << "one of two is enough";
}

TEST_F(KnownHostsTest, ARevokedKeyIsNeverKnown) {
  EXPECT_EQ(verdict("node1 " + mine_text_ + "\n@revoked * " + mine_text_ + '\n'), Verdict::revoked);
  EXPECT_EQ(verdict("@revoked node2 " + mine_text_ + "\nnode1 " + mine_text_ + '\n'), Verdict::known);
  EXPECT_EQ(verdict("@revoked node1 " + other_text_ + '\n'), Verdict::unknown);
}

TEST_F(KnownHostsTest, AnExcludedHostIsNotKnown) {
  EXPECT_EQ(verdict("node*,!node1 " + mine_text_ + '\n'), Verdict::unknown);
  EXPECT_EQ(verdict("node*,!node2 " + mine_text_ + '\n'), Verdict::known);
}

TEST_F(KnownHostsTest, AnAuthorityIsNoKeyOfAHost) {
  EXPECT_EQ(verdict("@cert-authority * " + mine_text_ + '\n'), Verdict::unknown);
}

TEST_F(KnownHostsTest, TabsAndForeignLineEndsDoNoHarm) {
  EXPECT_EQ(verdict("node1\t" + mine_text_ + "\r\n"), Verdict::known);
}

TEST_F(KnownHostsTest, ALineThatCannotBeReadIsNamedAndTheOthersCount) {
  const std::string broken = "node1 ssh-ed25519 AAAA\nnode1 ssh-future AAAA\nnode1\n";
  EXPECT_EQ(verdict(broken + "node1 " + mine_text_ + '\n'), Verdict::known);
  const std::string file = directory_.path("known_hosts");
  EXPECT_EQ(read(broken).unreadable(), file + ":1, " + file + ":2, " + file + ":3");
  EXPECT_EQ(read("node2 ssh-ed25519 AAAA\n").unreadable(), "") << "it is about another host";
}

TEST_F(KnownHostsTest, WhatLibsshSeesHoldsOnlyKnownKeysOfThisHost) {
  const KnownHosts hosts =
      read("node1 broken\nnode2 " + other_text_ + "\n@revoked node1 " + other_text_ + "\nnode1 " + mine_text_ + '\n');
  std::string path;
  const auto file = hosts.write_for_libssh(path);
  EXPECT_EQ(cohort::test::text_of_file(path), "* " + mine_text_ + '\n');
}

}  // namespace
}  // namespace cohort_ssh
