#include "found_records.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

namespace cohort::cli {
namespace {

namespace fs = std::filesystem;
using cohort::batch::ClusterRecord;

constexpr off_t most_bytes = 64 << 10;

std::string reason() { return std::generic_category().message(errno); }

std::string time_text(cohort::batch::Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  char text[64] = "?";
  if (::localtime_r(&seconds, &parts) != nullptr) std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string read_all(int descriptor, off_t size) {
  std::string text(static_cast<std::size_t>(size), '\0');
  const ssize_t n = ::pread(descriptor, text.data(), text.size(), 0);
  text.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
  return text;
}

// @return why the directory of a cluster's files must not be removed, or "".
std::string why_not_removable(const fs::path& files) {
  struct stat status {};
  if (::lstat(files.c_str(), &status) != 0) return errno == ENOENT ? "" : files.string() + ": " + reason();
  if (!S_ISDIR(status.st_mode)) return files.string() + " is not a directory";
  return status.st_uid == ::geteuid() ? "" : files.string() + " belongs to another user";
}

// @param name of its cluster. @return nullopt: it is not there any more.
std::optional<FoundRecord> look_at(const fs::path& path, const std::string& name) {
  FoundRecord found;
  found.path = path;
  found.name = name;
  const auto refused = [&found](std::string why) {
    found.problem = std::move(why);
    return std::move(found);
  };
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::nullopt;
  if (!file) return refused(errno == ELOOP ? "it is a symbolic link" : reason());
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return refused(reason());
  if (!S_ISREG(status.st_mode)) return refused("it is not a regular file");
  if (status.st_uid != ::geteuid()) return refused("it belongs to another user");
  if ((status.st_mode & 077) != 0) return refused("others may read or change it");
  if (status.st_size > most_bytes) return refused("it is too long");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return refused("it cannot be locked: " + reason());
    if (path.filename() != name) return std::nullopt;  // it is being written
    found.state = FoundRecord::State::held;
    try {
      found.record = ClusterRecord::parse(read_all(file.get(), status.st_size), "record");
    } catch (const ConfigError& error) {
      found.problem = error.what();
    }
    return found;
  }
  // It may have been removed, or got its own name, before it was locked.
  struct stat named {};
  if (::lstat(path.c_str(), &named) != 0 || named.st_ino != status.st_ino || named.st_dev != status.st_dev)
    return std::nullopt;
  if (path.filename() != name) {
    found.state = FoundRecord::State::unfinished;
    found.lock = std::move(file);
    return found;
  }
  try {
    found.record = ClusterRecord::parse(read_all(file.get(), status.st_size), "record");
  } catch (const ConfigError& error) {
    return refused(error.what());
  }
  if (found.record.name != name) return refused("it is the record of " + found.record.name);
  if (auto why = why_not_removable(found.record.files); !why.empty()) return refused(std::move(why));
  found.state = FoundRecord::State::left;
  found.lock = std::move(file);
  return found;
}

}  // namespace

std::string summary_of(const ClusterRecord& record) {
  return record.name + " (" + (record.scheduler.empty() ? "within an allocation" : excerpt(record.scheduler)) +
         ", process " + std::to_string(record.pid) + " on " + excerpt(record.host) + ", begun " +
         time_text(record.began) + ")";
}

std::vector<FoundRecord> find_records() {
  const fs::path directory = cohort::batch::records_directory();
  std::error_code error;
  fs::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return {};
  if (error) throw Error("cannot read the directory " + directory.string() + ": " + error.message());
  if (const auto problem = why_untrusted(directory); !problem.empty()) throw Error(problem);
  std::map<fs::path, std::string> names;
  for (; entry != fs::directory_iterator(); entry.increment(error)) {
    const fs::path path = entry->path();
    const fs::path record = path == cohort::batch::unfinished_record(directory / path.stem()) ? path.stem() : path;
    if (const std::string name = record.filename(); cohort::batch::is_cluster_name(name)) names.emplace(path, name);
    if (error) throw Error("cannot read the directory " + directory.string() + ": " + error.message());
  }
  std::vector<FoundRecord> records;
  for (const auto& [path, name] : names)
    if (auto found = look_at(path, name)) records.push_back(std::move(*found));
  return records;
}

}  // namespace cohort::cli
