// cohort plugin new: the beginning of a plugin, which builds and passes its tests.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

#include <fmt/core.h>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "flag_values.hpp"
#include "output.hpp"
#include "plugin_templates.hpp"

namespace cohort::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t longest_name = 40;

// It becomes a part of file names and of names in C++.
void check_name(const std::string& name) {
  const auto allowed = [](char c) { return detail::is_lower(c) || detail::is_digit(c) || c == '_'; };
  if (name.empty() || name.size() > longest_name || !detail::is_lower(name.front()) ||
      !std::all_of(name.begin(), name.end(), allowed))
    throw UsageError(fmt::format("'{}' cannot be a plugin's name: up to {} small letters, digits and _, a letter first",
                                 excerpt(name), longest_name));
}

/// "podman_box" as "PodmanBox".
std::string type_name(std::string_view name) {
  std::string type;
  bool begins = true;
  for (const char c : name) {
    if (c != '_') type += begins ? detail::to_upper(c) : c;
    begins = c == '_';
  }
  return type;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// A directory of its own: nothing of somebody's may be written over.
void make_directory(const fs::path& directory) {
  std::error_code error;
  if (fs::exists(directory, error) && !(fs::is_directory(directory, error) && fs::is_empty(directory, error)))
    throw Error(directory.string() + " is there already, and not an empty directory; --dir names another one");
  fs::create_directories(directory, error);
  if (error) throw Error("cannot make the directory " + directory.string() + ": " + error.message());
}

int write_new(const std::string& kind, const std::string& name, const std::string& dir) {
  choice("'cohort plugin new'", kind, {"manager", "transport", "queue-driver"});
  check_name(name);
  const fs::path directory = dir.empty() ? name : dir;
  make_directory(directory);
  for (const TemplateFile& file : plugin_templates()) {
    if (file.kind != kind) continue;
    const auto renamed = [&](const std::string& text) {
      return replaced(replaced(text, file.placeholder, name), type_name(file.placeholder), type_name(name));
    };
    const fs::path path = directory / renamed(file.name);
    std::ofstream out(path);
    out << renamed(file.text);
    if (!out.flush()) throw Error("cannot write " + path.string());
    write_results(path.string() + '\n');
  }
  const std::string place = directory.is_absolute() ? directory.string() : "./" + directory.string();
  const std::string test = kind == "queue-driver"
                               ? "ctest --test-dir " + place + "/build"
                               : fmt::format("cohort plugin test {}/build/libcohort_{}_{}.so", place, kind, name);
  write_results(fmt::format("\nBuild and test it:\n  cmake -S {0} -B {0}/build && cmake --build {0}/build\n  {1}\n",
                            place, test));
  return ok;
}

}  // namespace

Command plugin_new_command() {
  struct Flags {
    std::string kind, name, dir;
  };
  auto flags = std::make_shared<Flags>();
  return {.name = "new",
          .help = "Write a plugin to begin with: sources, tests, CMakeLists.txt",
          .flags = {{"kind", &flags->kind, "What to write", "manager|transport|queue-driver", true},
                    {"name", &flags->name, "What it is called", "NAME", true},
                    {"--dir", &flags->dir, "Where to write it (a new directory NAME)", "DIRECTORY"}},
          .action = [flags](const auto&) { return write_new(flags->kind, flags->name, flags->dir); }};
}

}  // namespace cohort::cli
