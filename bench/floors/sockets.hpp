#pragma once

#include <cstddef>
#include <string>

namespace floors {

/// @throws std::runtime_error "`what`: <errno as text>".
[[noreturn]] void fail(const std::string& what);

struct TcpListener {
  TcpListener();  ///< on a free port of 127.0.0.1
  ~TcpListener();
  int accept();  ///< blocking, at most 30 s

  int descriptor;
  int port;
};

int connect_tcp(int port);  ///< to 127.0.0.1
/// No delay (TCP), close-on-exec, and 30 s as the longest wait of a blocking read or write.
void prepare_socket(int descriptor);

void write_all(int descriptor, const void* data, std::size_t size);
void read_all(int descriptor, void* data, std::size_t size);

}  // namespace floors
