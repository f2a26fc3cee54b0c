#include "arrays/mpi.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>

#include "floors/sockets.hpp"

namespace floors {
namespace {

// A program of its own, so that nothing of Open MPI is in this one.
[[maybe_unused]] Samples run(const char* launcher, int ranks, const std::string& arguments) {
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mpi_floor";
  const std::string command =
      fmt::format("timeout 60 '{}' --allow-run-as-root --oversubscribe --bind-to none -n {} '{}' {}", launcher, ranks,
                  program.string(), arguments);
  std::FILE* output = popen(command.c_str(), "re");
  if (output == nullptr) fail("popen");
  std::string text;
  std::array<char, 4096> block;
  while (const std::size_t size = std::fread(block.data(), 1, block.size(), output)) text.append(block.data(), size);
  if (pclose(output) != 0) throw std::runtime_error("this failed: " + command);
  Samples samples;
  std::istringstream lines(text);
  for (double microseconds; lines >> microseconds;) samples.add(microseconds);
  return samples;
}

}  // namespace

#ifdef MPI_LAUNCHER
bool has_mpi() { return true; }
Samples mpi_gather(int senders, std::size_t count, int times) {
  return run(MPI_LAUNCHER, senders + 1, fmt::format("gather {} {}", times, count));
}
Samples mpi_all_reduce(int ranks, int times) { return run(MPI_LAUNCHER, ranks, fmt::format("allreduce {}", times)); }
#else
bool has_mpi() { return false; }
Samples mpi_gather(int, std::size_t, int) { return Samples(); }
Samples mpi_all_reduce(int, int) { return Samples(); }
#endif

}  // namespace floors
