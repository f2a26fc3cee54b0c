// cohort config: cluster files.

#include <unistd.h>

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

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

void add_config(CLI::App& tool, Action& action) {
  auto file = std::make_shared<std::string>();
  CLI::App* config = tool.add_subcommand("config", "Check and show cluster files");
  config->require_subcommand(1);

  CLI::App* check_command = config->add_subcommand("check", "Say whether a cluster file is right, and what is wrong");
  check_command->add_option("file", *file, "Cluster file")->type_name("FILE")->required();
  check_command->callback([file, &action] { action = [file] { return check(*file); }; });

  CLI::App* show_command = config->add_subcommand("show", "Print a cluster file with all defaults, as JSON");
  show_command->add_option("file", *file, "Cluster file")->type_name("FILE")->required();
  show_command->add_flag("--json")->description("JSON, as always");
  show_command->callback([file, &action] { action = [file] { return show(*file); }; });

  CLI::App* schema_command = config->add_subcommand("schema", "Print the JSON Schema of cluster files, for editors");
  schema_command->callback([&action] { action = schema; });
}

}  // namespace cohort::cli
