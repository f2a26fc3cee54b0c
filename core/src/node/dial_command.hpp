#pragma once

#include <string>

#include <cohort/io_pair.hpp>

namespace cohort {

/// Makes a connection of the standard input and output of a command of sh, as ProxyCommand of ssh does: "ssh -W
/// node1:4711 login1". The command ends with the connection. It takes no notice of the signals by which a scheduler
/// lets this process leave, and writes errors to our standard error.
/// @throws Error if it cannot be started; one that fails later ends the connection.
IoPair connect_by_command(const std::string& command);

}  // namespace cohort
