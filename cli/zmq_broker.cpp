// cohort zmq-broker: the broker of the transport zmq, standing alone.

#include <memory>
#include <string>
#include <vector>

#include "command.hpp"
#include "find_plugins.hpp"
#include "replace_process.hpp"

namespace cohort::cli {
namespace {

// A program of its own, so that the tool does without ZeroMQ.
int become_broker(const std::string& listen, const std::string& key_file) {
  std::vector<std::string> words{find_program_beside(PluginKind::transport, "zmq", "cohort-zmq-broker"),
                                 "--listen=" + listen};
  if (!key_file.empty()) words.push_back("--key-file=" + key_file);
  return replace_process(words);
}

}  // namespace

Command zmq_broker_command() {
  struct Flags {
    std::string listen = "tcp://127.0.0.1:*";
    std::string key_file;
  };
  auto flags = std::make_shared<Flags>();
  return {
      .name = "zmq-broker",
      .help = "Serve as the broker that zmq clusters meet at",
      .flags = {{"--listen", &flags->listen,
                 "Where to listen: tcp://HOST:PORT, tcp://HOST:*, ipc://PATH or ipc://@NAME", "ADDRESS"},
                {"--key-file", &flags->key_file,
                 "File with a secret of at least 32 bytes: only processes that have it are let in (CURVE)", "FILE"}},
      .action = [flags](const auto&) { return become_broker(flags->listen, flags->key_file); }};
}

}  // namespace cohort::cli
