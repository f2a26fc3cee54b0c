#include "plugin/loader.hpp"

#include <dlfcn.h>

#include <cstring>

#include <fmt/core.h>
#include <boost/dll/shared_library.hpp>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/transport.hpp>

#include "plugin/elf_file.hpp"
#include "plugin/plugin_files.hpp"

namespace cohort::detail {
namespace {

namespace fs = std::filesystem;

constexpr char descriptor_symbol[] = "cohort_plugin";
constexpr char magic[8] = {'c', 'o', 'h', 'o', 'r', 't', '\0', '\1'};

// Each check throws a PluginError without the file's path; refuse_with_path() puts it in front.

/// Headers that were changed without a change of the number, or those of a build with other settings.
void check_interface(const PluginInterface& seen) {
  const PluginInterface& own = plugin_interface;
  const auto check = [](const char* what, const auto& theirs, const auto& ours) {
    if (std::memcmp(&theirs, &ours, sizeof ours) == 0) return;
    const auto fingerprint = [](const auto& part) {
      std::uint64_t hash = hash_start;
      for (std::size_t at = 0; at + sizeof(std::uint64_t) <= sizeof part; at += sizeof(std::uint64_t)) {
        std::uint64_t number;
        std::memcpy(&number, reinterpret_cast<const char*>(&part) + at, sizeof number);
        hash = hash_number(hash, number);
      }
      return hash;
    };
    throw PluginError(fmt::format(
        "was built with other headers: the fingerprint of {} is {:016x} there, and {:016x} in this libcohort: rebuild "
        "it with this cohort's headers",
        what, fingerprint(theirs), fingerprint(ours)));
  };
  check("Option and Options", seen.options, own.options);
  check("WorkerConfig", seen.worker_config, own.worker_config);
  check("LaunchParams", seen.launch_params, own.launch_params);
  check("ClusterManager and LaunchQueue", seen.manager, own.manager);
  check("ClusterManager and LaunchQueue", seen.manager_places, own.manager_places);
  check("Transport and Listener", seen.transport, own.transport);
  check("Transport and Listener", seen.transport_places, own.transport_places);
  check("Reader and Writer", seen.streams, own.streams);
  check("ChildProcess and the exceptions", seen.processes, own.processes);
  check("Reader and Writer", seen.stream_places, own.stream_places);
}

/// What can be seen in the file, so that a plugin of another ABI runs none of its code, not even static constructors.
void check_numbers(const fs::path& path) {
  std::vector<std::byte> bytes = read_elf_symbol(path, descriptor_symbol, sizeof(PluginDescriptor));
  PluginDescriptor seen = {};
  std::memcpy(static_cast<void*>(&seen), bytes.data(), bytes.size());
  if (std::memcmp(seen.magic, magic, sizeof magic) != 0)
    throw PluginError(
        "is not a cohort plugin: its 'cohort_plugin' does not start with the magic bytes of a descriptor");
  if (seen.struct_size != sizeof(PluginDescriptor))
    throw PluginError(fmt::format("has a descriptor of {} bytes; this libcohort knows one of {} bytes: rebuild it",
                                  seen.struct_size, sizeof(PluginDescriptor)));
  if (seen.abi_major != plugin_abi_major || seen.abi_minor > plugin_abi_minor)
    throw PluginError(fmt::format("was built for plugin ABI {}.{}; this libcohort has {}.{}: {}", seen.abi_major,
                                  seen.abi_minor, plugin_abi_major, plugin_abi_minor,
                                  seen.abi_major < plugin_abi_major ? "rebuild the plugin" : "update cohort"));
  if (bytes.size() < sizeof(PluginDescriptor))
    throw PluginError(fmt::format("exports only {} bytes of its descriptor", bytes.size()));
  check_interface(seen.interface);
}

bool valid_kind(PluginKind kind) { return kind == PluginKind::manager || kind == PluginKind::transport; }

/// What needs relocated pointers. Only `runtime` is called, and only once the rest is known to fit.
void check_descriptor(const PluginDescriptor& descriptor, PluginKind wanted, const PluginFile& file) {
  if (!descriptor.build_tag || !descriptor.name || !descriptor.version || !descriptor.runtime || !descriptor.create)
    throw PluginError("has a descriptor with empty fields");
  if (std::strcmp(descriptor.build_tag, COHORT_BUILD_TAG) != 0)
    throw PluginError(fmt::format("was built as \"{}\", this libcohort as \"{}\": use the same compiler and library",
                                  descriptor.build_tag, COHORT_BUILD_TAG));
  if (!valid_kind(descriptor.kind) || descriptor.kind != wanted)
    throw PluginError(
        fmt::format("is a {} plugin; a {} plugin was asked for", kind_name(descriptor.kind), kind_name(wanted)));
  if (descriptor.kind != file.kind || descriptor.name != file.name)
    throw PluginError(fmt::format("is the {} plugin '{}' by its descriptor, the {} plugin '{}' by its file's name",
                                  kind_name(descriptor.kind), excerpt(descriptor.name), kind_name(file.kind),
                                  file.name));
  if (descriptor.runtime() != runtime_instance())
    throw PluginError("links its own copy of libcohort: link it to the shared library");
}

/// A table that cannot yield its own defaults would fail every user of the plugin.
void check_options(const PluginDescriptor& descriptor) {
  if (descriptor.option_count > 0 && !descriptor.options) throw PluginError("has no option table");
  std::span<const Option> table(descriptor.options, descriptor.option_count);
  for (const Option& option : table)
    if (!option.name || !option.help) throw PluginError("has an option without a name or a help text");
  try {
    Options::defaults(table);
  } catch (const Error& error) {
    throw PluginError(fmt::format("has a wrong option table: {}", error.what()));
  }
}

template <class Check>
void refuse_with_path(const fs::path& path, Check check) {
  try {
    check();
  } catch (const PluginError& error) {
    throw PluginError(fmt::format("the plugin {} {}", excerpt(path.string()), error.what()));
  }
}

template <class Interface>
std::unique_ptr<Interface> create(const Plugin& plugin, PluginKind kind, const Options& options) {
  std::string who = fmt::format("{} plugin '{}'", kind_name(plugin.descriptor->kind), plugin.descriptor->name);
  if (plugin.descriptor->kind != kind) throw PluginError(fmt::format("{} makes no {}", who, kind_name(kind)));
  std::string problem = "its factory made nothing";
  try {
    if (void* made = plugin.descriptor->create(options))
      return std::unique_ptr<Interface>(static_cast<Interface*>(made));
  } catch (const ConfigError& error) {
    throw ConfigError(fmt::format("{}: {}", who, error.what()));
  } catch (...) {
    problem = message_of(std::current_exception());
  }
  throw PluginError(fmt::format("{}: {}", who, problem));
}

}  // namespace

std::string_view kind_name(PluginKind kind) {
  switch (kind) {
    case PluginKind::manager:
      return "manager";
    case PluginKind::transport:
      return "transport";
  }
  return "unknown";
}

Options Plugin::parse_options(std::string_view json) const {
  return Options::parse(options(), json,
                        fmt::format("options of the {} '{}'", kind_name(descriptor->kind), descriptor->name));
}

std::unique_ptr<ClusterManager> Plugin::create_manager(const Options& options) const {
  return create<ClusterManager>(*this, PluginKind::manager, options);
}

std::unique_ptr<Transport> Plugin::create_transport(const Options& options) const {
  return create<Transport>(*this, PluginKind::transport, options);
}

struct PluginLoader::Library {
  explicit Library(const fs::path& path) {
    std::error_code error;
    handle.load(path, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (!error) return;
    const char* cause = dlerror();
    throw PluginError(fmt::format("cannot be loaded: {}", cause ? cause : error.message()));
  }

  boost::dll::shared_library handle;
};

PluginLoader::PluginLoader() = default;

PluginLoader& PluginLoader::instance() {
  static PluginLoader& loader = *new PluginLoader;  // never destroyed: plugins are used until the very end
  return loader;
}

const Plugin& PluginLoader::load(PluginKind kind, const std::string& name_or_path) {
  bool is_path = name_or_path.find('/') != std::string::npos;
  return load_file(kind, is_path ? fs::path(name_or_path) : find_plugin_file(kind, name_or_path));
}

const Plugin& PluginLoader::load_file(PluginKind kind, const fs::path& path) {
  const Plugin* loaded = nullptr;
  refuse_with_path(path, [&] {
    std::error_code error;
    fs::path file_path = fs::canonical(path, error);
    if (error) throw PluginError("cannot be read: " + error.message());
    // Links may have any target, as with versioned files: the name that was asked for counts.
    auto file = plugin_of_file(path);
    if (!file) throw PluginError(fmt::format("is not named like one: {}", plugin_file_name(kind, "NAME")));

    detail::MutexLock lock(mutex_);
    std::unique_ptr<Library>& library = libraries_[file_path];
    if (!library) {
      if (const std::string problem = why_untrusted(path); !problem.empty())
        throw PluginError("is not loaded, because somebody else could have put it there: " + problem);
      check_numbers(file_path);
      library = std::make_unique<Library>(file_path);
    }
    const auto& descriptor = library->handle.get<const PluginDescriptor>(descriptor_symbol);
    check_descriptor(descriptor, kind, *file);
    check_options(descriptor);
    loaded = &plugins_.try_emplace(file_path, Plugin{file_path, &descriptor}).first->second;
  });
  return *loaded;
}

std::vector<PluginInfo> PluginLoader::list() {
  std::vector<PluginInfo> infos;
  for (const PluginFile& file : find_plugin_files()) {
    PluginInfo& info = infos.emplace_back(PluginInfo{file.kind, file.name, "", file.path, ""});
    try {
      info.version = load_file(file.kind, file.path).descriptor->version;
    } catch (const PluginError& error) {
      info.error = error.what();
    }
  }
  return infos;
}

std::vector<fs::path> PluginLoader::search_path() { return plugin_search_path(); }

}  // namespace cohort::detail

namespace cohort {

std::unique_ptr<ClusterManager> load_manager(const std::string& plugin, const OptionValues& options) {
  const auto& loaded = detail::PluginLoader::instance().load(PluginKind::manager, plugin);
  return loaded.create_manager(loaded.parse_options(options.json()));
}

std::unique_ptr<Transport> load_transport(const std::string& plugin, const OptionValues& options) {
  const auto& loaded = detail::PluginLoader::instance().load(PluginKind::transport, plugin);
  return loaded.create_transport(loaded.parse_options(options.json()));
}

}  // namespace cohort
