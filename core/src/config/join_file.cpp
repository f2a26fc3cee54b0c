#include <cohort/join_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include <nlohmann/json.hpp>

#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/secret.hpp"

namespace cohort {
namespace {

using Json = nlohmann::json;

constexpr int version = 1;
constexpr std::size_t max_bytes = 1 << 20;

std::string reason() { return std::generic_category().message(errno); }

std::string read_all(int descriptor, const std::string& name) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
    if (n == 0) return text;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw ConfigError(fmt::format("cannot read {}: {}", name, reason()));
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) throw ConfigError(fmt::format("{}: too long for a join file", name));
  }
}

std::string hexadecimal(std::span<const std::byte> bytes) {
  std::string digits(2 * bytes.size() + 1, '\0');
  sodium_bin2hex(digits.data(), digits.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  digits.pop_back();
  return digits;
}

bool from_hexadecimal(const std::string& digits, std::span<std::byte> bytes) {
  std::size_t size = 0;
  return digits.size() == 2 * bytes.size() &&
         sodium_hex2bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), digits.data(), digits.size(),
                        nullptr, &size, nullptr) == 0 &&
         size == bytes.size();
}

/// Says what is wrong without the JSON library's words, which could show the secret.
class Fields {
 public:
  Fields(const Json& json, const std::string& name) : json_(json), name_(name) {
    if (json.is_discarded()) refuse("it is not JSON");
    if (!json.is_object()) refuse("it is not a JSON object");
  }

  template <class T>
  T get(const char* key) const {
    const auto value = json_.find(key);
    if (value == json_.end()) refuse(fmt::format("the key '{}' is missing", key));
    return of<T>(*value, key);
  }
  template <class T>
  T get_or_none(const char* key) const {
    const auto value = json_.find(key);
    return value == json_.end() ? T() : of<T>(*value, key);
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw ConfigError(fmt::format("{}: this is no join file, as a manager writes it: {}", name_, why));
  }

 private:
  template <class T>
  T of(const Json& value, const char* key) const {
    try {
      return value.get<T>();
    } catch (const Json::exception&) {
      refuse(fmt::format("the value of '{}' is of the wrong type", key));
    }
  }

  const Json& json_;
  const std::string& name_;
};

bool is_same_file(int descriptor, const std::filesystem::path& path) {
  struct stat open {
  }, named{};
  return ::fstat(descriptor, &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

// Takes the lock of a file that is there already, which one that a cluster still uses does not give. @return nothing if
// there is no such file.
FileDescriptor take_over(const std::filesystem::path& path) {
  for (;;) {
    FileDescriptor old(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!old && errno == ENOENT) return old;
    if (!old) throw Error(fmt::format("cannot write the join file {}: {}", path.string(), reason()));
    if (::flock(old.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw Error(
          fmt::format("the join file {} is that of a cluster which is still running; the option 'file' says "
                      "another name for this one",
                      path.string()));
    if (is_same_file(old.get(), path)) return old;
  }
}

}  // namespace

std::string JoinFile::text() const {
  Json json = {{"version", version}, {"address", address}, {"program", program}, {"flags", flags}, {"dir", dir}};
  if (!other_addresses.empty()) json["other_addresses"] = other_addresses;
  if (tokens.empty()) {
    json["cookie"] = cookie;
  } else {
    json["transport_key"] = hexadecimal(transport_key);
    Json& list = json["tokens"] = Json::array();
    for (const auto& token : tokens) list.push_back({token.number, token.secret});
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

FileDescriptor JoinFile::write(const std::filesystem::path& path) const {
  const std::string content = text();
  std::string temporary = path.string() + ".XXXXXX";
  FileDescriptor file(::mkostemp(temporary.data(), O_CLOEXEC));  // its mode is 0600
  if (file) ::flock(file.get(), LOCK_EX | LOCK_NB);
  bool written = file && ::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
  std::string why = reason();
  while (written) {
    FileDescriptor old;
    try {
      old = take_over(path);
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
    // Where there is none, of several that write at once one is the first.
    if (old) {
      if (::rename(temporary.c_str(), path.c_str()) == 0) return file;
      written = false;
    } else {
      if (::link(temporary.c_str(), path.c_str()) == 0) {
        ::unlink(temporary.c_str());
        return file;
      }
      written = errno == EEXIST;
    }
    why = reason();
  }
  if (file) ::unlink(temporary.c_str());
  throw Error(fmt::format("cannot write the join file {}: {}", path.string(), why));
}

void JoinFile::remove(const std::filesystem::path& path, const FileDescriptor& written) {
  if (written && is_same_file(written.get(), path)) ::unlink(path.c_str());
}

JoinFile JoinFile::read(const std::filesystem::path& path) {
  const bool from_input = path == "-";
  const std::string name = from_input ? "standard input" : path.string();
  const FileDescriptor file(from_input ? -1 : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from_input && !file) {
    throw ConfigError(
        fmt::format("cannot read the join file {}: {}. A manager 'elastic' writes it when it starts", name, reason()));
  }
  const int descriptor = from_input ? STDIN_FILENO : file.get();
  // Who can read it can run programs as its owner.
  if (const std::string problem = why_not_private(descriptor, name); !problem.empty())
    throw ConfigError(problem + ". In it is the secret of the cluster");
  return parse(read_all(descriptor, name), name);
}

JoinFile JoinFile::parse(const std::string& text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, false);
  const Fields reader(json, name);
  if (const int found = reader.get<int>("version"); found != version) {
    throw ConfigError(fmt::format("{}: a join file of version {}, of another cohort; this one reads version {}", name,
                                  found, version));
  }
  JoinFile join;
  join.address = reader.get<std::string>("address");
  join.program = reader.get<std::string>("program");
  join.flags = reader.get<std::vector<std::string>>("flags");
  join.dir = reader.get<std::string>("dir");
  join.other_addresses = reader.get_or_none<std::vector<std::string>>("other_addresses");
  for (auto& [number, secret] : reader.get_or_none<std::vector<std::pair<std::int32_t, std::string>>>("tokens")) {
    if (number <= 0) reader.refuse("the number of a token is not positive");
    check_cookie(secret, name + ": a token");
    join.tokens.push_back({number, std::move(secret)});
  }
  if (!join.tokens.empty()) {
    if (!from_hexadecimal(reader.get<std::string>("transport_key"), join.transport_key))
      reader.refuse("the value of 'transport_key' is not 64 hexadecimal digits");
    return join;
  }
  join.cookie = reader.get<std::string>("cookie");
  check_cookie(join.cookie, name + ": its cookie");
  return join;
}

}  // namespace cohort
