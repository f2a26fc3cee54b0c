#include "exit_code.hpp"

#include <unistd.h>

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
  } catch (...) {
    return operation_failed;
  }
}

}  // namespace

void print_message(const std::string& message) { write_all(STDERR_FILENO, "cohort: " + message + "\n"); }

int report(const std::exception_ptr& exception) {
  print_message(message_of(exception));
  return exit_code_of(exception);
}

}  // namespace cohort::cli
