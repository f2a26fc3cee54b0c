#include "plugin/module_loader.hpp"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <system_error>

#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>

#include "plugin/elf_file.hpp"
#include "remote/registry.hpp"

namespace cohort::detail {
namespace {

namespace fs = std::filesystem;

bool is_build(const Module& module) {
  try {
    return read_elf_build_id(module.path) == module.build_id;
  } catch (const PluginError&) {  // not there, or something else
    return false;
  }
}

void open_library(const Module& module, const std::string& file) {
  if (dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL) != nullptr) return;
  const char* text = dlerror();
  std::string_view cause = text == nullptr ? "unknown cause" : text;
  if (cause.starts_with(file + ": ")) cause.remove_prefix(file.size() + 2);
  fail_to_load(module.path, std::string(cause));
}

void open_bytes(const Module& module, std::span<const std::byte> bytes) {
  FileDescriptor file(memfd_create("cohort-module", MFD_CLOEXEC));
  if (file.get() < 0) fail_to_load(module.path, std::generic_category().message(errno));
  while (!bytes.empty()) {
    const ssize_t n = write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) fail_to_load(module.path, std::generic_category().message(errno));
    if (n > 0) bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  open_library(module, "/proc/self/fd/" + std::to_string(file.get()));
  static_cast<void>(
      file.release());  // stays open: the dynamic linker knows libraries by name, and this one is now taken
}

}  // namespace

bool load_from_path(const Module& module) {
  if (module_is_loaded(module.build_id)) return true;
  // A build-id is easily forged. What others could have put there comes from the master instead.
  if (!is_build(module) || !why_untrusted(module.path).empty()) return false;
  open_library(module, module.path);
  // Where an earlier build was loaded from the same path, the dynamic linker has given that one again.
  return module_is_loaded(module.build_id);
}

void load_from_bytes(const Module& module, std::span<const std::byte> file) {
  if (module_is_loaded(module.build_id)) return;
  open_bytes(module, file);
  if (!module_is_loaded(module.build_id)) fail_to_load(module.path, "its file holds another build by now");
}

}  // namespace cohort::detail
