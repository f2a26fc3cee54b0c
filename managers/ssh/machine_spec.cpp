#include "machine_spec.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <span>
#include <sstream>
#include <tuple>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "launch_command.hpp"
#include "specification.hpp"

namespace cohort_ssh {
namespace {

constexpr std::size_t most_machines = 10000;
constexpr int most_workers = 100000;
constexpr std::array known_settings = {"identity", "jump", "dir", "exename", "shell", "tunnel", "advertise"};
constexpr std::string_view variable_prefix = "env.";
// Names (with the '_' that some have), addresses, and the interface behind the '%' of an IPv6 address.
constexpr std::string_view of_hosts = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:%";
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

std::optional<int> to_number(std::string_view digits) {
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || number < 0) return std::nullopt;
  return number;
}

int port_of(const Specification& spec, std::string_view text) {
  const auto port = to_number(text);
  if (!port || *port < 1 || *port > 65535)
    spec.refuse("the port '" + std::string(text) + "' is no number from 1 to 65535");
  return *port;
}

struct HostAndPort {
  std::string host;
  std::string port;  // empty: none
};

// "host", "host:port", "[v6]", "[v6]:port"; the brackets of host lists stand elsewhere than in front.
HostAndPort split_port(const Specification& spec, std::string_view text) {
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == text.npos) spec.refuse("the ']' of the address is missing");
    const auto rest = text.substr(close + 1);
    if (!rest.empty() && !rest.starts_with(':')) spec.refuse("after ']' only a port can come");
    if (rest == ":") spec.refuse("after ':' a port must come");
    return {std::string(text.substr(1, close - 1)), std::string(rest.empty() ? rest : rest.substr(1))};
  }
  const auto colon = text.find(':');
  if (colon == text.npos) return {std::string(text), ""};
  if (text.find(':', colon + 1) != text.npos) spec.refuse("an IPv6 address is written in brackets");
  if (colon + 1 == text.size()) spec.refuse("after ':' a port must come");
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

// "01-16" with the width of its first number; "7".
void expand_range(const Specification& spec, std::string_view range, std::vector<std::string>& found) {
  const auto dash = range.find('-');
  const auto first = to_number(range.substr(0, dash));
  const auto last = dash == range.npos ? first : to_number(range.substr(dash + 1));
  if (!first || !last || *last < *first) spec.refuse("'" + std::string(range) + "' is no range of numbers like 01-16");
  const std::size_t width = std::min(dash, range.size());
  for (int number = *first; number <= *last; ++number) {
    if (found.size() >= most_machines)
      spec.refuse("these are more than " + std::to_string(most_machines) + " machines");
    std::string digits = std::to_string(number);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    found.push_back(std::move(digits));
  }
}

// "node[01-03,7]-[a]" in full; several groups give every combination.
std::vector<std::string> expand_host_list(const Specification& spec, const std::string& text) {
  const auto open = text.find('[');
  if (open == text.npos) {
    if (text.find(']') != text.npos) spec.refuse("a ']' without '['");
    return {text};
  }
  const auto close = text.find(']', open);
  if (close == text.npos) spec.refuse("a '[' without ']'");
  std::vector<std::string> middles;
  std::istringstream ranges(text.substr(open + 1, close - open - 1));
  for (std::string range; std::getline(ranges, range, ',');) expand_range(spec, range, middles);
  if (middles.empty()) spec.refuse("there is nothing in its brackets");
  std::vector<std::string> names;
  for (const auto& rest : expand_host_list(spec, text.substr(close + 1))) {
    for (const auto& middle : middles) {
      if (names.size() >= most_machines)
        spec.refuse("these are more than " + std::to_string(most_machines) + " machines");
      names.push_back(text.substr(0, open) + middle + rest);
    }
  }
  std::sort(names.begin(), names.end());  // node1-a, node1-b, node2-a
  return names;
}

void take_count(const Specification& spec, std::string& text, Machine& machine) {
  const auto star = text.find('*');
  if (star == text.npos) return;
  const std::string count = text.substr(0, star);
  text.erase(0, star + 1);
  machine.count_auto = count == "auto";
  if (machine.count_auto) return;
  const auto number = to_number(count);
  if (!number || *number < 1 || *number > most_workers)
    spec.refuse("the count '" + count + "' is neither a number from 1 to 100000 nor auto");
  machine.count = *number;
}

// Without brackets: no port can follow.
std::string advertised_address(const Specification& spec, const std::string& text) {
  const bool in_brackets = text.starts_with('[') && text.ends_with(']');
  const std::string address = in_brackets ? text.substr(1, text.size() - 2) : text;
  in6_addr v6{};
  in_addr v4{};
  if (::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6)) return address;
  const auto is_of_names = [](char c) {
    return cohort::detail::is_letter_or_digit(c) || c == '.' || c == '-' || c == '_';
  };
  const bool is_name = std::all_of(address.begin(), address.end(), is_of_names) && !address.starts_with('-');
  const bool is_v4_or_none = address.find_first_not_of("0123456789.") == address.npos;
  if (in_brackets || !is_name || (is_v4_or_none && (::inet_pton(AF_INET, address.c_str(), &v4) != 1 || v4.s_addr == 0)))
    spec.refuse("advertise: '" + text +
                "' is no name and no address that can be dialled; it has no port, as each worker has its own");
  return address;
}

void take_setting(const Specification& spec, const std::string& key, std::string value, Machine& machine) {
  if (key.starts_with(variable_prefix)) {
    const std::string name = key.substr(variable_prefix.size());
    if (!is_variable_name(name)) spec.refuse("'" + name + "' is no name of an environment variable");
    machine.settings[key] = value;
    return;
  }
  if (std::find(known_settings.begin(), known_settings.end(), key) == known_settings.end()) {
    std::string known;
    for (const char* setting : known_settings) known += setting + std::string(", ");
    spec.refuse("there is no setting '" + key + "' of a machine; there are: " + known + "env.NAME");
  }
  if (value.empty()) spec.refuse("the setting " + key + " has no value");
  if (key == "tunnel" && value != "true" && value != "false") spec.refuse("tunnel is true or false");
  if (key == "shell" && !is_plain_command(value)) spec.refuse("shell: '" + value + "' " + plain_command_rule);
  if (key == "advertise") value = advertised_address(spec, value);
  machine.settings[key] = std::move(value);
}

// At the commas that stand outside of brackets: "a,node[1,2]" is "a" and "node[1,2]".
std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> parts(1);
  bool in_brackets = false;
  for (const char c : text) {
    if (c == '[' || c == ']') in_brackets = c == '[';
    if (c == ',' && !in_brackets)
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}

// What sshd's own clients refuse as well, so that a slip of the pen is told here and not by a resolver.
void check_host(const Specification& spec, const std::string& host) {
  const auto odd = host.find_first_not_of(of_hosts);
  if (odd == host.npos) return;
  const auto code = static_cast<unsigned char>(host[odd]);
  const bool is_visible = code > ' ' && code < 0x7f;
  spec.refuse("the host has a " + (is_visible ? "'" + host.substr(odd, 1) + "'" : "byte " + std::to_string(code)) +
              " in it, which no name of a host has");
}

// "[COUNT*][user@]host[:port]", which may stand for many.
void add_machines(const Specification& spec, std::string where, Machine machine, std::vector<Machine>& machines) {
  take_count(spec, where, machine);
  if (const auto at = where.rfind('@'); at != where.npos) {
    machine.user = where.substr(0, at);
    if (machine.user.empty()) spec.refuse("the user before '@' is empty");
    where.erase(0, at + 1);
  }
  const auto [host, port] = split_port(spec, where);
  if (host.empty() || host.starts_with('-')) spec.refuse("it names no host");
  if (!port.empty()) machine.port = port_of(spec, port);
  const bool numeric_v6 = where.starts_with('[');
  for (auto& name : numeric_v6 ? std::vector{host} : expand_host_list(spec, host)) {
    check_host(spec, name);
    if (machines.size() >= most_machines)
      spec.refuse("these are more than " + std::to_string(most_machines) + " machines");
    machines.push_back(machine);
    machines.back().host = std::move(name);
  }
}

}  // namespace

std::string Machine::text() const {
  const std::string name = (user.empty() ? "" : user + '@') + (host.find(':') == host.npos ? host : '[' + host + ']');
  return port == 0 ? name : name + ':' + std::to_string(port);
}

std::string Machine::bind_host() const {
  if (bind.starts_with('[')) return bind.substr(1, bind.find(']') - 1);
  return bind.substr(0, bind.find(':'));
}

std::map<std::string, std::string> Machine::env() const {
  std::map<std::string, std::string> variables;
  for (const auto& [key, value] : settings)
    if (key.starts_with(variable_prefix)) variables[key.substr(variable_prefix.size())] = value;
  return variables;
}

std::vector<Machine> parse_machines(std::string_view text) {
  const Specification spec(text);
  const auto words = spec.words();
  if (words.empty()) spec.refuse("it is empty");
  if (words.front().value) spec.refuse("it names no host: that comes first");
  Machine alike;
  for (const auto& [word, value] : std::span(words).subspan(1)) {
    if (value) {
      take_setting(spec, word, *value, alike);
    } else if (!alike.bind.empty()) {
      spec.refuse("'" + word + "' is one word too many");
    } else {
      const auto [host, port] = split_port(spec, word);
      if (host.empty()) spec.refuse("the bind address is empty");
      if (!port.empty()) port_of(spec, port);
      alike.bind = word;
    }
  }
  std::vector<Machine> machines;
  for (const std::string& where : split_list(words.front().text)) add_machines(spec, where, alike, machines);
  if (machines.size() > 1 && alike.settings.contains("advertise"))
    spec.refuse("advertise is the address of one machine, and this stands for " + std::to_string(machines.size()));
  return machines;
}

std::vector<Machine> read_machine_file(const std::filesystem::path& file) {
  std::error_code ignored;
  const auto status = std::filesystem::status(file, ignored);
  // A FIFO would be waited at, and it can be read only once: the file is read again when the cluster starts.
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status))
    throw cohort::ConfigError("cannot read the machine file " + file.string() + ": it is " +
                              (std::filesystem::is_directory(status) ? "a directory" : "not a regular file"));
  std::ifstream lines(file);
  if (!lines) throw cohort::ConfigError("cannot read the machine file " + file.string() + ": " + std::strerror(errno));
  std::vector<Machine> machines;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    if (++number == 1 && line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
    const auto text = without_comment(line);
    if (text.find_first_not_of(" \t\r") == text.npos) continue;
    try {
      const auto more = parse_machines(text);
      machines.insert(machines.end(), more.begin(), more.end());
    } catch (const cohort::ConfigError& error) {
      throw cohort::ConfigError(file.string() + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (lines.bad()) throw cohort::ConfigError("cannot read the machine file " + file.string() + " to its end");
  return machines;
}

std::vector<Machine> merge_machines(const std::vector<Machine>& machines) {
  std::vector<Machine> merged;
  const auto all_but_count = [](const Machine& m) { return std::tie(m.user, m.host, m.port, m.bind, m.settings); };
  for (const Machine& machine : machines) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Machine& other) {
      return all_but_count(other) == all_but_count(machine);
    });
    if (same == merged.end()) {
      merged.push_back(machine);
    } else {
      same->count_auto |= machine.count_auto;
      same->count += machine.count;
    }
  }
  return merged;
}

std::vector<Machine> deal_workers(std::vector<Machine> machines, int count) {
  std::vector<int> dealt(machines.size(), 0);
  for (std::size_t i = 0; count > 0 && !machines.empty(); i = (i + 1) % machines.size()) {
    if (machines[i].count_auto)
      throw cohort::ConfigError("machine '" + machines[i].text() +
                                "' has the count auto, and 'count' says how many workers there are in all: give one");
    const int now = std::min(count, machines[i].count);
    dealt[i] += now;
    count -= now;
  }
  std::vector<Machine> used;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    if (dealt[i] == 0) continue;
    machines[i].count = dealt[i];
    used.push_back(std::move(machines[i]));
  }
  return used;
}

}  // namespace cohort_ssh
