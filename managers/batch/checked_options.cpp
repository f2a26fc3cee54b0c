#include "checked_options.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;
using cohort::ConfigError;
using cohort::excerpt;

constexpr off_t longest_script = 1 << 20;  // bytes

bool is_control(char c) { return (c >= 0 && c < ' ') || c == 0x7f; }

// Each scheduler has its own way to quote some of these, and none of its names has them.
bool breaks_a_word(char c) { return std::string_view(" '\"\\`$#").find(c) != std::string_view::npos; }

void refuse_control_characters(const std::string& name, const std::string& text) {
  if (std::ranges::any_of(text, is_control))
    throw ConfigError(name + ": '" + excerpt(text) + "' has a line end or another control character in it");
}

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace

std::optional<std::string> text_option(const cohort::Options& options, const std::string& name) {
  if (!options.has(name)) return std::nullopt;
  std::string text = options.string(name);
  if (text.empty()) throw ConfigError(name + ": it is empty; leave the option out, or give it a value");
  refuse_control_characters(name, text);
  return text;
}

std::optional<std::string> name_option(const cohort::Options& options, const std::string& name) {
  auto text = text_option(options, name);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find_if(*text, breaks_a_word);
  const std::string problem = text->front() == '-'   ? " begins with '-'"
                              : found == text->end() ? ""
                              : *found == ' '        ? " has a blank in it"
                                                     : " has " + std::string(1, *found) + " in it";
  if (!problem.empty())
    throw ConfigError(
        name + ": '" + excerpt(*text) + '\'' + problem +
        ", which a name cannot have here; the option flags takes any argument of the command that submits");
  return text;
}

std::vector<std::string> words_option(const cohort::Options& options, const std::string& name) {
  auto words = options.strings(name);
  if (std::ranges::any_of(words, &std::string::empty))
    throw ConfigError(name + ": one of its words is empty; leave it out");
  return words;
}

std::optional<fs::path> path_option(const cohort::Options& options, const std::string& name) {
  const auto text = text_option(options, name);
  if (!text) return std::nullopt;
  std::error_code error;
  const fs::path path = fs::absolute(cohort::expand_home(*text), error).lexically_normal();
  if (error) throw ConfigError(name + ": '" + excerpt(*text) + "': no working directory: " + error.message());
  refuse_control_characters(name, path);
  return path;
}

void refuse_unusable_directory(const std::string& option, const fs::path& directory) {
  struct stat status {};
  const std::string name = option + ": " + excerpt(directory.string());
  const std::string wanted = "; it is to be a directory in which files can be written, and which the nodes see, too";
  if (::stat(directory.c_str(), &status) != 0) throw ConfigError(name + ": " + error_text(errno) + wanted);
  if (!S_ISDIR(status.st_mode)) throw ConfigError(name + " is a file" + wanted);
  if (::access(directory.c_str(), W_OK | X_OK) != 0) throw ConfigError(name + ": " + error_text(errno) + wanted);
}

std::string read_small_file(const std::string& option, const fs::path& file) {
  struct stat status {};
  const std::string name = option + ": " + excerpt(file.string());
  const std::string wanted = "; it is to be a file with a job script";
  if (::stat(file.c_str(), &status) != 0) throw ConfigError(name + ": " + error_text(errno) + wanted);
  if (S_ISDIR(status.st_mode)) throw ConfigError(name + " is a directory" + wanted);
  if (!S_ISREG(status.st_mode)) throw ConfigError(name + " is a pipe or a device" + wanted);  // may have no end
  if (status.st_size > longest_script) throw ConfigError(name + " has more than 1 MiB" + wanted);
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  if (!stream.read(text.data(), status.st_size)) throw ConfigError(name + ": " + error_text(errno) + wanted);
  if (text.find_first_not_of(" \t\r\n") == text.npos) throw ConfigError(name + " is empty" + wanted);
  return text;
}

}  // namespace cohort::batch
