// cohort doctor: whether the hosts of a cluster file are fit for workers.

#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "find_plugins.hpp"
#include "flag_values.hpp"
#include "replace_process.hpp"

namespace cohort::cli {
namespace {

struct Flags {
  std::string file;
  std::string program;
  std::string timeout = "30s";
  bool json = false;
};

// A program of its own, so that the tool does without libssh.
int become_doctor(const Flags& flags) {
  duration("--timeout", flags.timeout);
  std::vector<std::string> words{find_program_beside(PluginKind::manager, "ssh", "cohort-ssh-doctor"), flags.file,
                                 "--timeout=" + flags.timeout};
  if (flags.json) words.emplace_back("--json");
  if (!flags.program.empty()) words.push_back("--program=" + flags.program);
  return replace_process(words);
}

}  // namespace

Command doctor_command() {
  auto flags = std::make_shared<Flags>();
  return {.name = "doctor",
          .help = "Look whether the ssh hosts of a cluster file are fit for workers",
          .flags = {{"file", &flags->file, "Cluster file", "FILE", true},
                    {"program", &flags->program, "Program that the workers will run: is it there, and the same build?",
                     "PROGRAM"},
                    {"--json", &flags->json, "Print JSON"},
                    {"--timeout", &flags->timeout, "How long to wait for a host", "DURATION"}},
          .action = [flags](const auto&) { return become_doctor(*flags); }};
}

}  // namespace cohort::cli
