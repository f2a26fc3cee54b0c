#include "base/system_info.hpp"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <cohort/file_descriptor.hpp>

namespace cohort {

std::string read_system_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  while (file) {
    char more[1024];
    const ssize_t n = ::read(file.get(), more, sizeof more);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(more, static_cast<std::size_t>(n));
  }
  return text;
}

std::string host_id() {
  static const std::string id = [] {
    char name[HOST_NAME_MAX + 1] = {};
    ::gethostname(name, HOST_NAME_MAX);
    const std::string boot = read_system_file("/proc/sys/kernel/random/boot_id");
    return std::string(name) + '/' + boot.substr(0, boot.find('\n'));
  }();
  return id;
}

std::string process_space() {
  std::error_code none;
  return host_id() + '/' + std::filesystem::read_symlink("/proc/self/ns/pid", none).string();
}

namespace {

struct Program {
  std::string path;  // empty: there is no /proc
  bool is_replaced = false;
};

Program find_program() {
  constexpr std::string_view mark = " (deleted)";
  std::error_code none;
  Program program{std::filesystem::read_symlink("/proc/self/exe", none).string()};
  if (!program.path.ends_with(mark) || std::filesystem::exists(program.path, none)) return program;
  program.path.resize(program.path.size() - mark.size());
  program.is_replaced = true;
  return program;
}

}  // namespace

std::string own_program() { return find_program().path; }

bool is_replaced_program(const std::string& path) {
  const Program program = find_program();
  return program.is_replaced && path == program.path;
}

bool is_stopped_process(int ospid) {
  const std::string stat = read_system_file("/proc/" + std::to_string(ospid) + "/stat");
  const auto name_end = stat.rfind(") ");  // the name may hold anything
  return name_end != stat.npos && stat.size() > name_end + 2 &&
         (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
}

}  // namespace cohort
