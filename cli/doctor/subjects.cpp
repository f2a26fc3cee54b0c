#include "subjects.hpp"

#include <charconv>
#include <filesystem>
#include <utility>

#include "plugin/loader.hpp"
#include "ssh/machine_settings.hpp"

namespace cohort::doctor {
namespace {

using cohort_ssh::Machine;
using cohort_ssh::MachineSettings;

// "host:port": the port is after the last ':', and outside of the brackets of an address.
int port_of_bind(const Machine& machine) {
  const auto colon = machine.bind.rfind(':');
  if (colon == machine.bind.npos || machine.bind.find(']', colon) != machine.bind.npos) return 0;
  int port = 0;
  std::from_chars(machine.bind.data() + colon + 1, machine.bind.data() + machine.bind.size(), port);
  return port;
}

Subject subject_of(const ManagerSpec& manager, const MachineSettings& settings, const Machine& machine,
                   const std::string& program) {
  settings.check(machine);
  Subject subject;
  subject.manager = manager.id;
  subject.machine = machine.text();
  subject.login = settings.login(machine);
  if (const auto jump = settings.jump(machine)) subject.jump = settings.login(*jump);
  const std::string exename = settings.text(machine, "exename");
  const std::string local = program.empty() ? "" : std::filesystem::absolute(program).lexically_normal().string();
  subject.questions.shell = settings.text(machine, "shell");
  subject.questions.program = exename.empty() ? local : exename;
  subject.questions.dir = settings.text(machine, "dir");
  subject.questions.port = port_of_bind(machine);
  subject.local_program = local;
  subject.advertise = settings.text(machine, "advertise");
  subject.staged = settings.is_staged();
  subject.tunnel = settings.is_tunnelled(machine);
  return subject;
}

}  // namespace

std::vector<Subject> subjects_of(const ClusterFile& file, const std::string& program) {
  std::vector<Subject> subjects;
  for (const ManagerSpec& manager : file.managers) {
    if (manager.plugin != "ssh") continue;
    const auto& plugin = detail::PluginLoader::instance().load(PluginKind::manager, manager.plugin);
    const MachineSettings settings(plugin.parse_options(manager.options_json));
    for (const Machine& machine : settings.machines())
      subjects.push_back(subject_of(manager, settings, machine, program));
  }
  return subjects;
}

}  // namespace cohort::doctor
