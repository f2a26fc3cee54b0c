#include "machine_settings.hpp"

#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

#include "identities.hpp"
#include "launch_command.hpp"

namespace cohort_ssh {

using cohort::ConfigError;

MachineSettings::MachineSettings(cohort::Options options) : options_(std::move(options)) {
  if (const auto shell = option("shell"); !is_plain_command(shell))
    throw ConfigError("shell: '" + shell + "' " + plain_command_rule);
}

std::vector<Machine> MachineSettings::machines() const {
  std::vector<Machine> machines;
  for (const auto& text : options_.strings("machines")) {
    const auto more = parse_machines(text);
    machines.insert(machines.end(), more.begin(), more.end());
  }
  if (options_.has("machine_file")) {
    const auto more = read_machine_file(cohort::expand_home(options_.string("machine_file")));
    machines.insert(machines.end(), more.begin(), more.end());
  }
  if (machines.empty() && options_.has("machine_file"))
    throw ConfigError("the machine file " + options_.string("machine_file") + " names no machine");
  if (machines.empty())
    throw ConfigError("the manager ssh needs to know where: machines=[\"user@host\", ...] or machine_file=FILE");
  machines = merge_machines(machines);
  if (!options_.has("count")) return machines;
  if (const auto count = options_.count("count")) return deal_workers(machines, static_cast<int>(*count));
  for (Machine& machine : machines) machine.count_auto = true;
  return machines;
}

std::string MachineSettings::option(const std::string& name) const {
  return options_.has(name) ? options_.string(name) : "";
}

std::string MachineSettings::text(const Machine& machine, const std::string& name) const {
  const auto own = machine.settings.find(name);
  return own != machine.settings.end() ? own->second : option(name);
}

void MachineSettings::check(const Machine& machine) const {
  jump(machine);
  for (const std::string name : {"dir", "exename", "stage_dir"}) {
    const std::string path = text(machine, name);
    if (path.starts_with('~') && path != "~" && !path.starts_with("~/"))
      throw ConfigError(name + ": '" + path +
                        "' begins with the home directory of another user, which is known only there; "
                        "write it in full");
  }
}

std::map<std::string, std::optional<std::string>> MachineSettings::env(const Machine& machine) const {
  auto variables = options_.env("env");
  for (auto& [name, value] : machine.env()) variables[name] = value;
  return variables;
}

bool MachineSettings::is_tunnelled(const Machine& machine) const {
  const auto own = machine.settings.find("tunnel");
  return own != machine.settings.end() ? own->second == "true" : options_.boolean("tunnel");
}

bool MachineSettings::is_staged() const { return options_.string("stage") != "never"; }

LoginOptions MachineSettings::login(const Machine& machine) const {
  LoginOptions login;
  login.host = machine.host;
  login.port = machine.port != 0 ? machine.port : options_.has("port") ? static_cast<int>(options_.integer("port")) : 0;
  login.user = machine.user.empty() ? option("user") : machine.user;
  if (const auto identity = text(machine, "identity"); !identity.empty())
    login.identity_files = {cohort::expand_home(identity)};
  login.known_hosts = cohort::expand_home(option("known_hosts"));
  login.use_config = options_.boolean("use_config");
  return login;
}

std::optional<Machine> MachineSettings::jump(const Machine& machine) const {
  const std::string name = text(machine, "jump");
  if (name.empty()) return std::nullopt;
  const auto machines = parse_machines(name);
  if (machines.size() != 1) throw ConfigError("jump: '" + name + "' stands for more than one machine");
  return machines.front();
}

}  // namespace cohort_ssh
