#pragma once

#include <span>

namespace cohort::cli {

/// A file of examples/plugin-manager, -transport or -queue-driver.
struct TemplateFile {
  const char* kind;         ///< "manager", "transport" or "queue-driver"
  const char* placeholder;  ///< the name of the plugin in it
  const char* name;
  const char* text;
};

/// All of them, as they were when cohort was configured.
std::span<const TemplateFile> plugin_templates();

}  // namespace cohort::cli
