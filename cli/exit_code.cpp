#include "exit_code.hpp"

#include <unistd.h>

#include <algorithm>

#include <cohort/error.hpp>

#include "write_all.hpp"

namespace cohort::cli {
namespace {

int exit_code_of(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const UsageError&) {
    return usage;
  } catch (const ConfigError&) {
    return config_invalid;
  } catch (const PluginError&) {
    return plugin_refused;
  } catch (const LaunchError&) {
    return launch_failed;
  } catch (const CompositeException& several) {
    const auto& all = several.exceptions();
    const bool launches = std::all_of(all.begin(), all.end(),
                                      [](const std::exception_ptr& one) { return exit_code_of(one) == launch_failed; });
    return launches && !all.empty() ? launch_failed : operation_failed;
  } catch (...) {
    return operation_failed;
  }
}

}  // namespace

void print_message(const std::string& message) { write_all(STDERR_FILENO, "cohort: " + message + "\n"); }

int report(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const CompositeException& several) {
    for (const auto& one : several.exceptions()) print_message(message_of(one));
  } catch (...) {
    print_message(message_of(exception));
  }
  return exit_code_of(exception);
}

}  // namespace cohort::cli
