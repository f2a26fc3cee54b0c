// cohort config: cluster files.

#include <unistd.h>

#include <memory>
#include <string>

#include <cohort/cluster_file.hpp>
#include <cohort/error.hpp>

#include "cluster_check.hpp"
#include "command.hpp"
#include "config/cluster_text.hpp"
#include "config/json_text.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

/// Where in the file the objection is about.
std::size_t offset_of(const Objection& objection, const detail::JsonNode& root) {
  const detail::JsonNode* node = root.find(objection.key);
  if (node == nullptr) return root.offset;
  return node->is_array() ? node->items.at(objection.index).offset : node->offset;
}

int check(const std::string& file) {
  const std::string name = detail::file_name(file);
  std::string warning;
  try {
    const std::string text = detail::read_config_file(file);  // once: it may be a pipe
    ClusterFile cluster = ClusterFile::parse(text, name);
    detail::find_modules_beside(file, cluster);
    detail::ErrorList errors(text, name);
    const detail::JsonNode root = detail::parse_json(text, errors);
    for (const auto& objection : objections(cluster))
      errors.add(offset_of(objection, root), objection.path(), objection.message);
    errors.throw_if_any();
    if (const std::string why = detail::why_lazy_has_no_effect(cluster); !why.empty())
      warning = name + ":" + errors.place(root.find("lazy")->offset) + ": warning: lazy has no effect: " + why + '\n';
  } catch (const ConfigError& error) {
    write_all(STDERR_FILENO, printable(error.what()) + '\n');  // as compilers do, for editors to jump to
    return config_invalid;
  }
  write_all(STDERR_FILENO, printable(warning));
  write_results(name + ": ok\n");
  return ok;
}

int show(const std::string& file) {
  write_results(effective_json(ClusterFile::load(file)) + '\n');
  return ok;
}

int schema() {
  write_results(ClusterFile::schema() + '\n');
  return ok;
}

}  // namespace

Command config_command() {
  struct Flags {
    std::string file;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  const Flag file{"file", &flags->file, "Cluster file", "FILE", true};
  return {.name = "config",
          .help = "Check and show cluster files",
          .commands = {
              {.name = "check",
               .help = "Say whether a cluster file is right, and what is wrong",
               .flags = {file},
               .action = [flags](const auto&) { return check(flags->file); }},
              {.name = "show",
               .help = "Print a cluster file with all defaults, as JSON",
               .flags = {file, {"--json", &flags->json, "JSON, as always"}},
               .action = [flags](const auto&) { return show(flags->file); }},
              {.name = "schema",
               .help = "Print the JSON Schema of cluster files, for editors",
               .action = [](const auto&) { return schema(); }},
          }};
}

}  // namespace cohort::cli
