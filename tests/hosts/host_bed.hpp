#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

/// For tests that sshds at the loopback address cannot serve.
#define SKIP_UNLESS_ISOLATED(bed) \
  if (!(bed).isolated()) GTEST_SKIP() << "namespaces are not permitted here"

namespace cohort::test {

struct SshHost {
  std::string name;     // a name that resolves, when the bed is isolated
  std::string address;  // IPv4
  std::string address6;
  int port = 0;
  pid_t init = 0;  // process 1 of the host, as this process calls it

  /// "address:port", as machines are named to cohort.
  std::string machine() const { return address + ':' + std::to_string(port); }
};

/// Puts this process into a network, mounts and a host name of its own, where the hosts of a HostBed can be reached.
/// Where that is not permitted nothing happens, and hosts are at the loopback address; COHORT_TESTBED=loopback has it
/// so, too. Before the first thread.
void enter_head();

/// Hosts with sshd, which last as long as this object; see tests/testbed. One at a time in a process.
class HostBed {
 public:
  /// @param sshd_lines for each sshd_config.
  explicit HostBed(int count, const std::vector<std::string>& sshd_lines = {});
  ~HostBed();
  HostBed(const HostBed&) = delete;
  HostBed& operator=(const HostBed&) = delete;

  /// Each host has its own network, processes and so on. False: sshds of this machine; most orders throw.
  bool isolated() const { return isolated_; }
  const std::vector<SshHost>& hosts() const { return hosts_; }
  const SshHost& operator[](std::size_t index) const { return hosts_.at(index); }

  std::filesystem::path directory() const { return directory_; }
  std::filesystem::path key() const { return directory() / "id_ed25519"; }
  std::filesystem::path stranger_key() const { return directory() / "stranger_ed25519"; }  ///< no host lets it in
  std::filesystem::path known_hosts() const { return directory() / "known_hosts"; }
  std::filesystem::path ssh_config() const { return directory() / "ssh_config"; }
  /// Home directory of the user on that host.
  std::filesystem::path home(const SshHost& host) const { return directory() / host.name / "home"; }

  void cut(const SshHost& host) { order("cut", host); }    ///< unplugs it: silence
  void join(const SshHost& host) { order("join", host); }  ///< plugs it in again
  void freeze(const SshHost& host) { order("freeze", host); }
  void thaw(const SshHost& host) { order("thaw", host); }
  void power_off(const SshHost& host) { order("power_off", host); }  ///< silence, and no process is left
  void boot(const SshHost& host);                                    ///< after power_off()
  void close_all_ports_but_22(const SshHost& host);
  /// The command lines of what runs there, sshd aside.
  std::vector<std::string> processes(const SshHost& host);

  /// What a shell on the host (not a login) says on standard output. @throws std::runtime_error when it fails.
  std::string run(const SshHost& host, const std::string& command) const;

  void forget_key(const SshHost& host) { set_known_key(host, ""); }  ///< as if the user had never seen that host
  void change_key(const SshHost& host);                              ///< as if the host had got another key since

 private:
  bool start(const std::vector<std::string>& arguments);
  std::string read_line();
  void stop() noexcept;
  std::string order(const std::string& verb, const SshHost& host);
  void set_known_key(const SshHost& host, const std::string& key);

  pid_t pid_ = -1;
  FileDescriptor orders_;  // its end is the end of the hosts
  FileDescriptor answers_;
  bool isolated_ = false;
  std::string directory_;
  std::vector<SshHost> hosts_;
};

}  // namespace cohort::test
