#pragma once

// Includes everything that a cluster manager or a transport needs. See docs/plugins.md.

#include <cstddef>
#include <cstdint>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/plugin_interface.hpp>
#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/options.hpp>
#include <cohort/transport.hpp>

namespace COHORT_EXPORT cohort {

enum class PluginKind : std::uint32_t { manager = 1, transport = 2 };

/// Increased when one of the interfaces above changes, or one that starts processes and threads for a plugin: the major
/// number if old plugins break, the minor number for additions that old plugins need not know. A plugin that was built
/// for a newer minor or for another major number is refused.
inline constexpr std::uint32_t plugin_abi_major = 3;
inline constexpr std::uint32_t plugin_abi_minor = 1;

/// The build properties in which two binaries must agree to exchange C++ objects.
#define COHORT_STRINGIZE_(x) #x
#define COHORT_STRINGIZE(x) COHORT_STRINGIZE_(x)
#ifdef _GLIBCXX_USE_CXX11_ABI
#define COHORT_BUILD_TAG \
  "gcc-abi-" COHORT_STRINGIZE(__GXX_ABI_VERSION) " libstdc++-cxx11-" COHORT_STRINGIZE(_GLIBCXX_USE_CXX11_ABI)
#else
#define COHORT_BUILD_TAG "gcc-abi-" COHORT_STRINGIZE(__GXX_ABI_VERSION)
#endif

/// The symbol `cohort_plugin` of each plugin. C layout, fixed: it is read before any of the plugin's code runs.
struct PluginDescriptor {
  char magic[8];              ///< "cohort\0\1"
  std::uint32_t struct_size;  ///< sizeof(PluginDescriptor)
  std::uint32_t abi_major;
  std::uint32_t abi_minor;
  PluginKind kind;
  const char* build_tag;  ///< COHORT_BUILD_TAG
  const char* name;       ///< as in the file name libcohort_<kind>_<name>.so
  const char* version;
  const Option* options;
  std::size_t option_count;
  const void* (*runtime)();                 ///< returns an address in the libcohort to which the plugin is linked
  void* (*create)(const Options& options);  ///< returns a new ClusterManager* or Transport*; may throw
  detail::PluginInterface interface;        ///< of the headers that the plugin was built with
};

namespace detail {
/// Returns the address of an object in libcohort; it is different if a plugin links a copy of its own.
const void* runtime_instance();
}  // namespace detail

#define COHORT_PLUGIN_(kind_, base_, name_, type_, version_, options_)                                 \
  extern "C" __attribute__((visibility("default"))) const ::cohort::PluginDescriptor cohort_plugin;    \
  constinit const ::cohort::PluginDescriptor cohort_plugin = {                                         \
      {'c', 'o', 'h', 'o', 'r', 't', '\0', '\1'},                                                      \
      sizeof(::cohort::PluginDescriptor),                                                              \
      ::cohort::plugin_abi_major,                                                                      \
      ::cohort::plugin_abi_minor,                                                                      \
      kind_,                                                                                           \
      COHORT_BUILD_TAG,                                                                                \
      name_,                                                                                           \
      version_,                                                                                        \
      std::data(options_),                                                                             \
      std::size(options_),                                                                             \
      [] { return ::cohort::detail::runtime_instance(); },                                             \
      [](const ::cohort::Options& given_) -> void* { return static_cast<base_*>(new type_(given_)); }, \
      ::cohort::detail::plugin_interface};

/// Exports `type`, which is constructible from `const Options&`, as the cluster manager `name`. Use it once in a
/// library, in one source file.
#define COHORT_CLUSTER_MANAGER(name, type, version, options) \
  COHORT_PLUGIN_(::cohort::PluginKind::manager, ::cohort::ClusterManager, name, type, version, options)

/// Exports `type`, which is constructible from `const Options&`, as the transport `name`. Use it once in a library.
#define COHORT_TRANSPORT(name, type, version, options) \
  COHORT_PLUGIN_(::cohort::PluginKind::transport, ::cohort::Transport, name, type, version, options)

}  // namespace cohort
