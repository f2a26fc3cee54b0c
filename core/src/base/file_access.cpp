#include <cohort/file_access.hpp>

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <system_error>
#include <vector>

#include "base/module_info.hpp"

namespace cohort {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as the kernel
constexpr std::size_t most_text = 1 << 20;

struct User {
  std::string name, home;
  gid_t group;
};

// Runs getpwuid_r() or one of its kin with as much memory as it asks for. @return false: there is no such entry.
template <class Entry, class Lookup>
bool look_up(Entry& entry, std::vector<char>& text, Lookup lookup) {
  for (text.resize(1024); text.size() <= most_text; text.resize(2 * text.size())) {
    Entry* found = nullptr;
    if (lookup(&entry, text.data(), text.size(), &found) != ERANGE) return found != nullptr;
  }
  return false;
}

template <class Lookup>
std::optional<User> find_user(Lookup lookup) {
  passwd entry{};
  std::vector<char> text;
  if (!look_up(entry, text, lookup)) return std::nullopt;
  return User{entry.pw_name, entry.pw_dir, entry.pw_gid};
}

std::optional<User> user_of(uid_t id) {
  return find_user([id](auto... rest) { return ::getpwuid_r(id, rest...); });
}

std::string name_of_user(uid_t id) {
  const auto user = user_of(id);
  return user ? user->name : std::to_string(id);
}

// As Debian and others make one for each user: it has the user's name, and nobody else is in it.
bool is_private_group(gid_t group, uid_t owner) {
  const auto user = user_of(owner);
  if (!user || user->group != group) return false;
  ::group entry{};
  std::vector<char> text;
  if (!look_up(entry, text, [group](auto... rest) { return ::getgrgid_r(group, rest...); })) return false;
  if (entry.gr_name != user->name) return false;
  for (char** member = entry.gr_mem; *member != nullptr; ++member)
    if (*member != user->name) return false;
  return true;
}

std::optional<uid_t> owner_of(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) return std::nullopt;
  return status.st_uid;
}

std::optional<uid_t> owner_of_library() {
  return owner_of(module_file(reinterpret_cast<const void*>(&owner_of_library)).c_str());
}

bool is_trusted(uid_t owner) {
  // In a container the outer root may have another number.
  static const auto root = owner_of("/"), builder = owner_of_library();
  return owner == 0 || owner == ::geteuid() || owner == root || owner == builder;
}

std::string problem_of(const fs::path& path, const struct stat& status) {
  if (!is_trusted(status.st_uid))
    return fmt::format("{} belongs to the user {}; chown it, if what is there is yours", path.string(),
                       name_of_user(status.st_uid));
  if (S_ISLNK(status.st_mode)) return "";
  if (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0) return "";  // nobody replaces what is another's there
  const bool by_group = (status.st_mode & S_IWGRP) != 0 && !is_private_group(status.st_gid, status.st_uid);
  if ((status.st_mode & S_IWOTH) == 0 && !by_group) return "";
  return fmt::format("others may write to {} (mode {:04o}); chmod go-w it, if nobody did", path.string(),
                     status.st_mode & 07777);
}

std::string problem_on_the_way(const fs::path& path, int& links) {
  fs::path reached;
  for (const fs::path& part : path) {
    // What was reached has no links in it any more.
    reached = part == ".." ? reached.parent_path() : part == "." ? reached : reached / part;
    struct stat status {};
    if (::lstat(reached.c_str(), &status) != 0)
      return fmt::format("{}: {}", reached.string(), std::generic_category().message(errno));
    if (auto problem = problem_of(reached, status); !problem.empty()) return problem;
    if (!S_ISLNK(status.st_mode)) continue;
    std::error_code error;
    if (++links > most_links) return fmt::format("{}: too many links", reached.string());
    const fs::path target = fs::read_symlink(reached, error);
    if (error) return fmt::format("{}: {}", reached.string(), error.message());
    if (auto problem = problem_on_the_way(reached.parent_path() / target, links); !problem.empty()) return problem;
    reached = fs::canonical(reached, error);
    if (error) return fmt::format("{}: {}", reached.string(), error.message());
  }
  return "";
}

}  // namespace

std::string why_untrusted(const fs::path& path) {
  std::error_code error;
  int links = 0;
  const fs::path whole = fs::absolute(path, error);
  return error ? fmt::format("{}: {}", path.string(), error.message()) : problem_on_the_way(whole, links);
}

std::string why_not_private(int descriptor, const std::string& name) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0)
    return fmt::format("cannot look at {}: {}", name, std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode)) return "";
  if (!is_trusted(status.st_uid))
    return fmt::format("{} belongs to the user {}; chown it, if it is yours", name, name_of_user(status.st_uid));
  const mode_t too_much = status.st_uid == ::geteuid() ? 077 : 037;
  if ((status.st_mode & too_much) == 0) return "";
  return fmt::format("others may read or write {} (mode {:04o}); run: chmod 600 {}, if nobody did", name,
                     status.st_mode & 07777, name);
}

std::string expand_home(const std::string& path) {
  if (!path.starts_with('~')) return path;
  const std::string name = path.substr(1, path.find('/') - 1);
  const std::string rest = path.find('/') == path.npos ? "" : path.substr(path.find('/'));
  if (!name.empty()) {
    const auto user = find_user([&name](auto... more) { return ::getpwnam_r(name.c_str(), more...); });
    return user ? user->home + rest : path;
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return home + rest;
  const auto user = user_of(::getuid());
  return user ? user->home + rest : path;
}

}  // namespace cohort
