#pragma once

#include <cstdlib>

#include <cohort/plugin.hpp>

// Parts of plugins that are wrong in one field each. Each sets an environment variable when its code is first run.

#define EXPORT_DESCRIPTOR(value)                                                                  \
  extern "C" __attribute__((visibility("default"))) const cohort::PluginDescriptor cohort_plugin; \
  constinit const cohort::PluginDescriptor cohort_plugin = value;

namespace fixture {

inline const int code_ran = setenv("COHORT_TEST_PLUGIN_CODE_RAN", "1", 1);

class Idle final : public cohort::ClusterManager {
 public:
  explicit Idle(const cohort::Options&) {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {}
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr cohort::PluginDescriptor sound_descriptor(const char* name) {
  return {
      {'c', 'o', 'h', 'o', 'r', 't', '\0', '\1'},
      sizeof(cohort::PluginDescriptor),
      cohort::plugin_abi_major,
      cohort::plugin_abi_minor,
      cohort::PluginKind::manager,
      COHORT_BUILD_TAG,
      name,
      "1.0.0",
      nullptr,
      0,
      [] { return cohort::detail::runtime_instance(); },
      [](const cohort::Options& options) -> void* { return static_cast<cohort::ClusterManager*>(new Idle(options)); },
      cohort::detail::plugin_interface};
}

/// A descriptor with one change.
template <class Change>
constexpr cohort::PluginDescriptor descriptor_with(const char* name, Change change) {
  cohort::PluginDescriptor descriptor = sound_descriptor(name);
  change(descriptor);
  return descriptor;
}

}  // namespace fixture
