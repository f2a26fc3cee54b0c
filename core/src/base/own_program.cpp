#include "base/own_program.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

namespace cohort {
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

}  // namespace cohort
