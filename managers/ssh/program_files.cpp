#include "program_files.hpp"

#include <dlfcn.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>

#include <cohort/child_process.hpp>
#include <cohort/file_access.hpp>
#include <cohort/types.hpp>

#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds ldd_limit(30);
// Parts of the C library, of which every host has its own.
constexpr std::array<std::string_view, 8> libraries_of_the_host = {
    "libc.so.", "libm.so.", "libdl.so.", "librt.so.", "libpthread.so.", "libresolv.so.", "ld-linux", "linux-vdso"};

[[noreturn]] void fail(const std::string& what) { throw LaunchFailure("stage", what, ""); }

std::vector<std::string> split_path(const char* list) {
  std::vector<std::string> parts;
  std::istringstream text(list == nullptr ? "" : list);
  for (std::string part; std::getline(text, part, ':');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// Then what this process runs can still be read as its /proc/PID/exe.
bool is_own_program_that_was_replaced(const std::string& program) {
  std::error_code none;
  return fs::read_symlink("/proc/self/exe", none).string() == program + " (deleted)" &&
         !fs::exists(program + " (deleted)");
}

fs::path find_program(const std::string& name) {
  const std::string program = cohort::expand_home(name);
  std::vector<fs::path> candidates;
  if (program.find('/') != program.npos)
    candidates = {program};
  else
    for (const auto& directory : split_path(std::getenv("PATH"))) candidates.push_back(fs::path(directory) / program);
  for (const auto& candidate : candidates)
    if (::access(candidate.c_str(), X_OK) == 0) return fs::canonical(candidate);
  fail("there is no program '" + program + "' here that could be copied");
}

// Where the loader looks: beside this plugin, unless the environment says another place.
fs::path find_transport(const std::string& transport) {
  const std::string name = "libcohort_transport_" + transport + ".so";
  std::vector<std::string> directories = split_path(std::getenv("COHORT_PLUGIN_PATH"));
  Dl_info plugin{};
  if (::dladdr(reinterpret_cast<const void*>(&collect_program_files), &plugin) != 0 && plugin.dli_fname != nullptr)
    directories.push_back(fs::path(plugin.dli_fname).parent_path());
  for (const auto& directory : directories)
    if (fs::exists(fs::path(directory) / name)) return fs::path(directory) / name;
  fail("the plugin " + name + " was not found");
}

std::string read_all(int descriptor) {
  std::string text;
  std::array<char, 4096> buffer;
  for (ssize_t count; (count = ::read(descriptor, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  return text;
}

// Its libraries, by the names that they are asked for: "libuv.so.1" is "/usr/lib/…/libuv.so.1.0.0".
void add_libraries_of(const fs::path& file, std::map<std::string, fs::path>& libraries) {
  cohort::SpawnOptions spawn;
  spawn.command = {"ldd", file.string()};
  auto ldd = cohort::ChildProcess::spawn(spawn);
  std::istringstream lines(read_all(ldd.out()));
  const auto status = ldd.wait_until(cohort::deadline_after(ldd_limit));
  if (!status || !status->exited || status->code != 0) return;  // linked statically, or a script
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, arrow, path;
    if (!(words >> name >> arrow >> path) || arrow != "=>") continue;
    if (path == "not") fail("the library " + name + " of " + file.string() + " is not there");
    const bool of_the_host = std::any_of(libraries_of_the_host.begin(), libraries_of_the_host.end(),
                                         [&](std::string_view part) { return name.starts_with(part); });
    if (!of_the_host) libraries[name] = fs::canonical(path);
  }
}

void hash_file(crypto_generichash_state& state, const fs::path& file, const Patience& patience) {
  std::ifstream input(file, std::ios::binary);
  std::vector<char> block(1 << 20);
  while (input.read(block.data(), static_cast<std::streamsize>(block.size())), input.gcount() > 0) {
    if (patience.over()) fail("no time was left to look at " + file.string());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(block.data()),
                              static_cast<unsigned long long>(input.gcount()));
  }
  if (!input.eof()) fail("cannot read " + file.string());
}

std::string key_of(const std::vector<ProgramFiles::File>& files, const Patience& patience) {
  crypto_generichash_state state;
  std::array<unsigned char, 16> hash;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  for (const auto& file : files) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(file.there.c_str()),
                              file.there.size() + 1);
    hash_file(state, file.here, patience);
  }
  crypto_generichash_final(&state, hash.data(), hash.size());
  std::array<char, 2 * hash.size() + 1> text;
  return sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
}

}  // namespace

ProgramFiles collect_program_files(const std::string& program, const std::string& transport, const Patience& patience) {
  const bool is_replaced = is_own_program_that_was_replaced(program);
  const fs::path executable =
      is_replaced ? fs::path("/proc/" + std::to_string(::getpid()) + "/exe") : find_program(program);
  const fs::path plugin = find_transport(transport);
  std::map<std::string, fs::path> libraries;
  add_libraries_of(executable, libraries);
  add_libraries_of(plugin, libraries);
  ProgramFiles collected;
  collected.program = "bin/" + (is_replaced ? fs::path(program) : executable).filename().string();
  collected.files.push_back({executable, collected.program});
  collected.files.push_back({plugin, "lib/cohort/plugins/" + plugin.filename().string()});
  for (const auto& [name, path] : libraries) collected.files.push_back({path, "lib/" + name});
  collected.key = key_of(collected.files, patience);
  return collected;
}

}  // namespace cohort_ssh
