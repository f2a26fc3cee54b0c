#include "host_bed.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <cohort/child_process.hpp>

#include "test_programs.hpp"

namespace cohort::test {
namespace {

constexpr int not_permitted = 77;  // what tests/testbed/hosts ends with then

bool in_head = false;

bool bring_up_loopback() {
  const FileDescriptor any_socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  return ::ioctl(any_socket.get(), SIOCSIFFLAGS, &request) == 0;
}

std::string read_to_end(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t n = 0; (n = ::read(descriptor, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

std::string read_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The first of the names in a line of known_hosts begins it, and is that of the host.
bool is_line_of(const SshHost& host, const std::string& line) {
  return line.starts_with(host.name + ',') || line.starts_with('[' + host.name + "]:");
}

}  // namespace

void enter_head() {
  const char* bed = std::getenv("COHORT_TESTBED");
  if (bed != nullptr && std::string_view(bed) == "loopback") return;
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWUTS) != 0) return;
  in_head = ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 && ::sethostname("head", 4) == 0 &&
            bring_up_loopback();
}

HostBed::HostBed(int count, const std::vector<std::string>& sshd_lines) {
  std::vector<std::string> arguments{COHORT_TESTBED "/hosts", std::to_string(count)};
  for (const std::string& line : sshd_lines) arguments.push_back("--sshd=" + line);
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), arguments.begin(), arguments.end());
    return more;
  };
  if (in_head) isolated_ = start(with({"--head=" + std::to_string(::getpid())}));
  if (!isolated_) start(with({"--loopback"}));
}

HostBed::~HostBed() { stop(); }

// False: not permitted.
bool HostBed::start(const std::vector<std::string>& arguments) {
  int orders[2], answers[2];
  if (::pipe2(orders, O_CLOEXEC) < 0 || ::pipe2(answers, O_CLOEXEC) < 0) throw std::runtime_error("pipe");
  const FileDescriptor its_orders(orders[0]);
  FileDescriptor its_answers(answers[1]);
  orders_.reset(orders[1]);
  answers_.reset(answers[0]);
  std::vector<char*> words;
  for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_orders.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, its_answers.get(), STDOUT_FILENO);
  const int error = posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(arguments[0] + ": " + std::strerror(error));
  its_answers.reset();

  const std::string line = read_line();
  if (line.empty()) {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == not_permitted) return false;
    throw std::runtime_error("the hosts do not start; see standard error");
  }
  const auto description = nlohmann::json::parse(line);
  directory_ = description.at("directory");
  for (const auto& host : description.at("hosts")) {
    hosts_.push_back(
        {host.at("name"), host.at("address"), host.at("address6"), host.at("port"), host.at("pid").get<pid_t>()});
  }
  return true;
}

void HostBed::stop() noexcept {
  orders_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

// Without the line end; empty at the end of the file.
std::string HostBed::read_line() {
  std::string line;
  for (char next = 0; ::read(answers_.get(), &next, 1) == 1 && next != '\n';) line.push_back(next);
  return line;
}

std::string HostBed::order(const std::string& verb, const SshHost& host) {
  const std::string line = verb + ' ' + host.name + '\n';
  if (::write(orders_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw std::runtime_error("the hosts are gone");
  const std::string answer = read_line();
  if (!answer.starts_with("ok ")) throw std::runtime_error(verb + ' ' + host.name + ": " + answer);
  return answer.substr(3);
}

void HostBed::boot(const SshHost& host) {
  const pid_t init = nlohmann::json::parse(order("boot", host));
  for (SshHost& mine : hosts_) {
    if (mine.name == host.name) mine.init = init;
  }
}

std::vector<std::string> HostBed::processes(const SshHost& host) {
  return nlohmann::json::parse(order("processes", host));
}

std::string HostBed::run(const SshHost& host, const std::string& command) const {
  std::vector<std::string> shell{"sh", "-c", command};
  if (isolated_) shell.insert(shell.begin(), {"nsenter", "--target", std::to_string(host.init), "--all", "--"});
  ChildProcess child = ChildProcess::spawn({.command = shell});
  std::string output = read_to_end(child.out());
  const auto status = child.wait_until(Clock::time_point::max());
  if (!status->exited || status->code != 0)
    throw std::runtime_error(command + " on " + host.name + ": " + status->text() + ": " + read_to_end(child.err()));
  return output;
}

void HostBed::close_all_ports_but_22(const SshHost& host) {
  // Dropped, as firewalls do: nobody hears that a port is closed.
  run(host,
      "iptables -w -A INPUT -i lo -j ACCEPT && iptables -w -A INPUT -p tcp --dport 22 -j ACCEPT && "
      "iptables -w -A INPUT -p tcp --sport 22 -j ACCEPT && iptables -w -A INPUT -j DROP");
}

void HostBed::change_key(const SshHost& host) {
  const std::string other = read_file(directory() / "stranger_ed25519.pub");
  set_known_key(host, other.substr(0, other.rfind(' ')));
}

void HostBed::set_known_key(const SshHost& host, const std::string& key) {
  std::istringstream old(read_file(known_hosts()));
  std::ofstream changed(known_hosts());
  for (std::string line; std::getline(old, line);) {
    if (!is_line_of(host, line))
      changed << line << '\n';
    else if (!key.empty())
      changed << line.substr(0, line.find(' ')) << ' ' << key << '\n';
  }
}

}  // namespace cohort::test
