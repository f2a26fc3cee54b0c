#include "config/handover.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <system_error>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/secret.hpp"

namespace cohort {
namespace {

constexpr const char* handover_variable = "COHORT_HANDOVER";  // "<descriptor>:<mark>"
constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

std::string read_all(int descriptor) {
  std::string text;
  char buffer[4096];
  ssize_t n;
  while ((n = ::pread(descriptor, buffer, sizeof buffer, static_cast<off_t>(text.size()))) > 0)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

[[noreturn]] void throw_lost(const std::string& which) {
  throw ConfigError(
      "the cluster that `cohort run` handed over to this program is not there any more: what stands between the two "
      "closed " +
      which +
      ", or opened another file there, as Python's subprocess, sudo and others do. Let it pass that descriptor on, or "
      "give this program a cluster file by a flag");
}

}  // namespace

int hand_over(const std::string& cluster) {
  const auto failed = [] { throw Error("cannot hand the cluster over: " + std::generic_category().message(errno)); };
  const std::string mark = random_cookie();
  const std::string text = mark + '\n' + cluster;
  FileDescriptor memory(::memfd_create("cohort-cluster", MFD_ALLOW_SEALING));  // to be inherited
  if (!memory) failed();
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(memory.get(), text.data() + done, text.size() - done);
    if (n < 0) failed();
    done += static_cast<std::size_t>(n);
  }
  if (::fcntl(memory.get(), F_ADD_SEALS, seals) < 0) failed();
  ::setenv(handover_variable, (std::to_string(memory.get()) + ':' + mark).c_str(), 1);
  return memory.release();
}

// A number in the environment proves nothing: what it names is believed only with the seals and the mark.
std::optional<std::string> take_handover() {
  const char* value = std::getenv(handover_variable);
  if (value == nullptr || *value == '\0') return std::nullopt;
  const std::string named = value;
  ::unsetenv(handover_variable);  // not for what this program starts
  const auto colon = std::min(named.find(':'), named.size());
  int number = -1;
  const auto parsed = std::from_chars(named.data(), named.data() + colon, number);
  if (parsed.ec != std::errc() || parsed.ptr != named.data() + colon || number < 0 || colon == named.size())
    throw_lost("its descriptor (" + std::string(handover_variable) + " says '" + named.substr(0, 20) + "')");
  const std::string mark = named.substr(colon + 1) + '\n';
  const std::string descriptor = "descriptor " + std::to_string(number);
  if (::fcntl(number, F_GET_SEALS) != seals) throw_lost(descriptor);
  const std::string text = read_all(number);
  if (mark.size() < 2 || !text.starts_with(mark)) throw_lost(descriptor);
  ::lseek(number, 0, SEEK_SET);  // tells `cohort run`: what it wrote ended elsewhere
  ::close(number);
  return text.substr(mark.size());
}

}  // namespace cohort
