#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/file_descriptor.hpp>

#include "../../contract/include/cohort/contract/eventually.hpp"
#include "../cluster/processes.hpp"

namespace cohort::test {

/// An ssh server of a test's own on the loopback addresses 127.0.0.1 to 127.0.0.16, for the user who runs the test.
/// Keys, settings and log are in a directory of its own; nothing of the system's or the user's is read. Ends with this
/// object.
class Sshd {
 public:
  /// @param settings lines of its configuration, before those that are always there: the first counts. DIR in them is
  /// the server's directory.
  explicit Sshd(const std::string& settings = "") {
    if (::geteuid() == 0) {
      ::mkdir("/run/sshd", 0755);  // where it gives privileges up; sshd ends without it
    }
    std::filesystem::create_directory(path("home"));
    make_key("host_key");
    make_key("key");
    std::filesystem::copy_file(path("key.pub"), path("authorized_keys"));
    for (int i = 0; i < 20 && !start(settings); ++i) {
    }
    if (!process_) throw std::runtime_error("sshd does not start:\n" + log());
    write_known_hosts("known_hosts", public_key("host_key"));
  }
  ~Sshd() {
    if (process_) process_->terminate(std::chrono::seconds(5), std::chrono::seconds(5));
  }
  Sshd(const Sshd&) = delete;

  int port() const { return port_; }
  std::string path(const std::string& name) const { return directory_.path(name); }
  std::string log() const { return text_of("log"); }
  /// How many logins there were.
  std::size_t logins() const { return count(log(), "Accepted publickey"); }

  /// Options for the manager ssh: a JSON object, with `more` members in it.
  std::string options(const std::string& machines = R"(["127.0.0.1"])", const std::string& more = "") const {
    return R"({"machines": )" + machines + R"(, "port": )" + std::to_string(port_) + R"(, "identity": ")" +
           path("key") + R"(", "known_hosts": ")" + path("known_hosts") + '"' + (more.empty() ? "" : ", " + more) + '}';
  }

  /// A new pair of keys.
  void make_key(const std::string& name, const std::string& type = "ed25519", const std::string& passphrase = "") {
    run({"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path(name)});
  }
  /// "ssh-ed25519 AAAA…"
  std::string public_key(const std::string& name) const {
    std::istringstream words(text_of(name + ".pub"));
    std::string type, key;
    words >> type >> key;
    return type + ' ' + key;
  }
  /// A file that knows all addresses by this key; an empty one knows none.
  void write_known_hosts(const std::string& name, const std::string& key) const {
    std::ofstream file(path(name));
    if (key.empty()) return;
    for (const auto& address : addresses()) file << '[' << address << "]:" << port_ << ' ' << key << '\n';
  }
  void write(const std::string& name, const std::string& text, bool executable = false) const {
    std::ofstream(path(name)) << text;
    if (executable) std::filesystem::permissions(path(name), std::filesystem::perms(0755));
  }
  ChildProcess& process() { return *process_; }

 private:
  static std::vector<std::string> addresses() {
    std::vector<std::string> all;
    for (int last = 1; last <= 16; ++last) all.push_back("127.0.0." + std::to_string(last));
    return all;
  }
  std::string in_directory(std::string text) const {
    const std::string directory = std::filesystem::path(path("x")).parent_path();
    for (auto at = text.find("DIR"); at != text.npos; at = text.find("DIR", at)) text.replace(at, 3, directory);
    return text;
  }
  static std::size_t count(const std::string& text, const std::string& what) {
    std::size_t found = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
    return found;
  }
  std::string text_of(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }
  static void run(const std::vector<std::string>& command) {
    SpawnOptions spawn;
    spawn.command = command;
    auto process = ChildProcess::spawn(spawn);
    const auto status = process.wait_until(Clock::now() + std::chrono::seconds(60));
    if (!status || !status->exited || status->code != 0) throw std::runtime_error(command.front() + " failed");
  }
  static int free_port() {
    const FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no free port");
    return ntohs(address.sin_port);
  }

  // @return false: the port was taken meanwhile.
  bool start(const std::string& settings) {
    port_ = free_port();
    std::ofstream config(path("config"));
    config << in_directory(settings) << '\n';
    for (const auto& address : addresses()) config << "ListenAddress " << address << ':' << port_ << '\n';
    config << "HostKey " << path("host_key") << "\nPidFile none\nAuthorizedKeysFile " << path("authorized_keys")
           << "\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
              "PermitRootLogin prohibit-password\nUseDNS no\nPrintMotd no\nPrintLastLog no\nX11Forwarding no\n"
              "LogLevel VERBOSE\n"
           // Not this user's profile; and bash reads none at all where it believes to be started by another.
           << "SetEnv HOME=" << path("home") << " SHLVL=1\n";
    if (settings.find("Subsystem") == settings.npos) config << "Subsystem sftp internal-sftp\n";
    config.close();
    std::filesystem::remove(path("log"));
    SpawnOptions spawn;
    // Not -E: a session that begins late would open the file anew, when the directory is being removed.
    spawn.command = {"/bin/sh", "-c", R"(exec /usr/sbin/sshd -D -e -f "$0" 2>"$1")", path("config"), path("log")};
    spawn.die_with_parent = true;
    auto process = ChildProcess::spawn(spawn);
    bool listens = false, ended = false;
    contract::eventually([&] {
      const std::string said = log();
      ended = process.poll() || said.find("Bind to port") != said.npos;  // another took one of the addresses
      listens = !ended && count(said, "Server listening on ") == addresses().size();
      return listens || ended;
    });
    if (listens) process_.emplace(std::move(process));
    return listens;
  }

  const TemporaryDirectory directory_;
  int port_ = 0;
  std::optional<ChildProcess> process_;
};

}  // namespace cohort::test
