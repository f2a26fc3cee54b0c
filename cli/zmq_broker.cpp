// cohort zmq-broker: the broker of the transport zmq, standing alone.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <cohort/error.hpp>

#include "become.hpp"
#include "command.hpp"
#include "exit_code.hpp"
#include "plugin/plugin_files.hpp"

namespace cohort::cli {
namespace {

/// It lies beside the transport's plugin. A program of its own, so that the tool does without ZeroMQ.
std::filesystem::path find_broker() {
  for (const auto& file : detail::find_plugin_files()) {
    if (file.kind != PluginKind::transport || file.name != "zmq") continue;
    auto broker = file.path.parent_path() / "cohort-zmq-broker";
    if (std::filesystem::exists(broker)) return broker;
  }
  throw PluginError("there is no cohort-zmq-broker beside a plugin 'zmq'; was cohort installed without it?");
}

int become_broker(const std::string& listen, const std::string& key_file) {
  std::vector<std::string> words{find_broker(), "--listen=" + listen};
  if (!key_file.empty()) words.push_back("--key-file=" + key_file);
  return become(words);
}

}  // namespace

void add_zmq_broker(CLI::App& tool, Action& action) {
  struct Flags {
    std::string listen = "tcp://127.0.0.1:*";
    std::string key_file;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = tool.add_subcommand("zmq-broker", "Serve as the broker that zmq clusters meet at");
  command->add_option("--listen", flags->listen, "Where to listen: tcp://HOST:PORT, tcp://HOST:* or ipc://PATH")
      ->type_name("ADDRESS")
      ->capture_default_str();
  command
      ->add_option("--key-file", flags->key_file,
                   "File with a secret of at least 32 bytes: only processes that have it are let in (CURVE)")
      ->type_name("FILE");
  command->callback([flags, &action] { action = [flags] { return become_broker(flags->listen, flags->key_file); }; });
}

}  // namespace cohort::cli
