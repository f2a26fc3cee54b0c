#include "host_facts.hpp"

#include <charconv>
#include <sstream>
#include <string_view>

#include <fmt/core.h>

#include "ssh/launch_command.hpp"

namespace cohort::doctor {

using cohort_ssh::shell_path;
using cohort_ssh::shell_word;

namespace {

std::optional<std::uint64_t> to_number(const std::string& text) {
  if (text == "unlimited") return UINT64_MAX;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "7f 45 4c", as od prints bytes.
void append_bytes(const std::string& hex, std::vector<std::byte>& bytes) {
  std::istringstream words(hex);
  for (std::string word; words >> word;) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
    if (error == std::errc() && end == word.data() + word.size()) bytes.push_back(static_cast<std::byte>(value));
  }
}

HostFacts::Program program_state(const std::string& word) {
  if (word == "there") return HostFacts::Program::there;
  return word == "missing" ? HostFacts::Program::missing : HostFacts::Program::not_executable;
}

void take_answer(const std::string& name, const std::string& value, HostFacts& facts) {
  if (name == "clock") {
    double seconds = 0;
    std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (seconds > 0) facts.clock = std::chrono::duration<double>(seconds);
  } else if (name == "shm") {
    if (const auto kibibytes = to_number(value)) facts.shared_memory = *kibibytes * 1024;
  } else if (name == "files") {
    facts.open_files = to_number(value);
  } else if (name == "processes") {
    facts.processes = to_number(value);
  } else if (name == "port") {
    facts.port_in_use = value == "used";
  } else if (name == "dir") {
    facts.dir_is_missing = value == "missing";
  } else if (name == "program") {
    facts.program = program_state(value);
  } else if (name == "library") {
    facts.missing_libraries.push_back(value);
  } else if (name == "opencl-drivers") {
    facts.opencl_drivers = to_number(value);
  } else if (name == "head") {
    append_bytes(value, facts.program_head);
  }
}

}  // namespace

std::string facts_script(const Questions& questions, const std::string& mark) {
  std::string script = "exec 2>/dev/null; printf '\\n%s\\n' " + shell_word(mark) + "; echo clock $(date +%s.%N); ";
  script += "echo shm $(df -Pk /dev/shm | awk 'NR == 2 { print $4 }'); ";
  script += "awk '/^Max open files/ { print \"files\", $4 } /^Max processes/ { print \"processes\", $3 }' ";
  script += "/proc/self/limits; ";
  if (questions.port != 0) {
    // The second column is ADDRESS:PORT in hexadecimal, the fourth the state: 0A listens.
    script += fmt::format(
        "cat /proc/net/tcp /proc/net/tcp6 | awk '$4 == \"0A\" && $2 ~ /:{:04X}$/ {{ print \"port used\" }}'; ",
        questions.port);
  }
  if (!questions.dir.empty()) script += "[ -d " + shell_path(questions.dir) + " ] || echo dir missing; ";
  if (!questions.program.empty()) {
    const std::string program = shell_path(questions.program);
    script += "if [ ! -f " + program + " ]; then echo program missing; ";
    script += "elif [ ! -x " + program + " ]; then echo program not-executable; ";
    script += "else echo program there; ldd " + program + " | awk '/not found/ { print \"library\", $1 }'; ";
    script += "if ldd " + program + " | grep -q libcohort_opencl; then ";
    script += "echo opencl-drivers $(ls /etc/OpenCL/vendors | grep -c '[.]icd$'); fi; ";
    script += "head -c 4096 " + program + " | od -An -v -tx1 | sed 's/^/head /'; fi; ";
  }
  return script + "echo end";
}

std::optional<HostFacts> parse_facts(const std::string& output, const std::string& mark) {
  const std::string line_of_mark = '\n' + mark + '\n';
  const auto at = output.find(line_of_mark);
  if (at == output.npos) return std::nullopt;
  HostFacts facts;
  facts.noise = output.substr(0, at);
  std::istringstream answers(output.substr(at + line_of_mark.size()));
  for (std::string line; std::getline(answers, line);) {
    const auto blank = line.find(' ');
    if (blank != line.npos) take_answer(line.substr(0, blank), line.substr(blank + 1), facts);
  }
  return facts;
}

}  // namespace cohort::doctor
