// cohort doctor: whether the hosts of a cluster file are fit for workers.

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include <cohort/error.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "plugin/plugin_files.hpp"

namespace cohort::cli {
namespace {

/// It lies beside the manager's plugin. A program of its own, so that the tool does without libssh.
std::filesystem::path find_doctor() {
  for (const auto& file : detail::find_plugin_files()) {
    if (file.kind != PluginKind::manager || file.name != "ssh") continue;
    auto doctor = file.path.parent_path() / "cohort-ssh-doctor";
    if (std::filesystem::exists(doctor)) return doctor;
  }
  throw PluginError("there is no cohort-ssh-doctor beside a plugin 'ssh'; was cohort installed without it?");
}

struct Flags {
  std::string file;
  std::string program;
  std::string timeout = "30s";
  bool json = false;
};

int become_doctor(const Flags& flags) {
  const std::string doctor = find_doctor();
  std::vector<std::string> words{"cohort-ssh-doctor", flags.file, "--timeout=" + flags.timeout};
  if (flags.json) words.emplace_back("--json");
  if (!flags.program.empty()) words.push_back("--program=" + flags.program);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(doctor.c_str(), arguments.data());
  print_message(doctor + ": " + std::generic_category().message(errno));
  return not_executable;
}

}  // namespace

void add_doctor(CLI::App& tool, Action& action) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = tool.add_subcommand("doctor", "Look whether the ssh hosts of a cluster file are fit for workers");
  command->add_option("file", flags->file, "Cluster file")->type_name("FILE")->required();
  command->add_option("program", flags->program, "Program that the workers will run: is it there, and the same build?")
      ->type_name("PROGRAM");
  command->add_flag("--json", flags->json, "Print JSON");
  command->add_option("--timeout", flags->timeout, "How long to wait for a host")
      ->type_name("DURATION")
      ->capture_default_str();
  command->callback([flags, &action] { action = [flags] { return become_doctor(*flags); }; });
}

}  // namespace cohort::cli
