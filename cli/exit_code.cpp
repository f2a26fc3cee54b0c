#include "exit_code.hpp"

#include <unistd.h>

#include <cohort/error.hpp>

#include "output.hpp"
#include "text.hpp"

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
  } catch (const InterruptedException&) {
    return interrupted;
  } catch (const OutputError& error) {
    return error.reader_is_gone() ? output_closed : operation_failed;
  } catch (...) {
    return operation_failed;
  }
}

}  // namespace

void print_message(const std::string& message) { write_all(STDERR_FILENO, "cohort: " + printable(message) + "\n"); }

int report(const std::exception_ptr& exception) {
  const int code = exit_code_of(exception);
  if (code != output_closed) print_message(message_of(exception));
  return code;
}

}  // namespace cohort::cli
