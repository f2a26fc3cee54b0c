#include "cluster_record.hpp"

#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>
#include <cohort/option_values.hpp>
#include <cohort/options.hpp>

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;
using cohort::OptionType;

constexpr std::int64_t version = 1;
constexpr std::string_view name_prefix = "cohort-";
constexpr std::size_t name_digits = 10;
constexpr const char* unfinished_suffix = ".new";

constexpr cohort::Option fields[] = {
    {"version", OptionType::integer, nullptr, "of this form", nullptr, version, version},
    {"name", OptionType::string, nullptr, "of the jobs", nullptr},
    {"scheduler", OptionType::string, "\"\"", "in which they are", nullptr},
    {"host", OptionType::string, nullptr, "of the master", nullptr},
    {"pid", OptionType::integer, nullptr, "of the master", nullptr, 1, INT_MAX},
    {"files", OptionType::string, nullptr, "directory of the files", nullptr},
    {"began", OptionType::integer, nullptr, "seconds since 1970", nullptr, 0, INT64_C(1) << 40},
};

cohort::Error failure(const std::string& what, const fs::path& path) {
  return cohort::Error("cannot " + what + ' ' + path.string() + ": " + std::generic_category().message(errno));
}

void make_directories(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return;
  if (errno != ENOENT || path == path.parent_path()) throw failure("make the directory", path);
  make_directories(path.parent_path());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw failure("make the directory", path);
}

// Under another name until it is complete and locked, so that nobody takes it for the record of a cluster that ended.
// On the disk when this returns: the host may fail at any time. `cohort reap` removes an unfinished one that nobody has
// locked; if it does so before this process has, another one is written. @return the file, which has the lock.
cohort::FileDescriptor write_locked(const fs::path& path, const std::string& text) {
  const fs::path unfinished = unfinished_record(path);
  for (int more_attempts = 9;; --more_attempts) {
    cohort::FileDescriptor file(::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file) throw failure("make the file", unfinished);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0 &&
        ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(file.get()) == 0 && ::rename(unfinished.c_str(), path.c_str()) == 0) {
      const cohort::FileDescriptor directory(::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      ::fsync(directory.get());
      return file;
    }
    const bool was_removed = errno == EWOULDBLOCK || errno == ENOENT;
    const auto error = failure("write the file", path);
    ::unlink(unfinished.c_str());
    if (!was_removed || more_attempts == 0) throw error;
  }
}

}  // namespace

std::string ClusterRecord::text() const {
  const cohort::OptionValues values{
      {"version", version},
      {"name", name},
      {"host", host},
      {"pid", pid},
      {"scheduler", scheduler},
      {"files", files.string()},
      {"began", std::chrono::duration_cast<std::chrono::seconds>(began.time_since_epoch()).count()}};
  return values.json() + '\n';
}

ClusterRecord ClusterRecord::parse(const std::string& text, const std::string& where) {
  const auto values = cohort::Options::parse(fields, text, where);
  for (const auto& field : fields)
    if (!values.has(field.name)) throw cohort::ConfigError(where + ": the key '" + field.name + "' is missing");
  ClusterRecord record{.name = values.string("name"),
                       .scheduler = values.string("scheduler"),
                       .host = values.string("host"),
                       .pid = static_cast<int>(values.integer("pid")),
                       .files = values.string("files"),
                       .began = Time(std::chrono::seconds(values.integer("began")))};
  if (!is_cluster_name(record.name))
    throw cohort::ConfigError(where + ": '" + cohort::excerpt(record.name) + "' is not the name of a cluster's jobs");
  if (!record.files.is_absolute() || record.files != record.files.lexically_normal() ||
      record.files.filename() != record.name)
    throw cohort::ConfigError(where + ": '" + cohort::excerpt(record.files.string()) +
                              "' is not the directory of the files of " + record.name);
  return record;
}

bool is_cluster_name(std::string_view name) {
  if (!name.starts_with(name_prefix)) return false;
  name.remove_prefix(name_prefix.size());
  return name.size() == name_digits &&
         std::ranges::all_of(name, [](char c) { return cohort::detail::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

fs::path records_directory() {
  const char* variable = std::getenv("XDG_STATE_HOME");
  fs::path state(variable == nullptr ? "" : variable);
  if (!state.is_absolute()) state = cohort::expand_home("~/.local/state");  // the XDG rules: a relative one is ignored
  return state / "cohort" / "jobs";
}

fs::path record_path(const std::string& name) { return records_directory() / name; }

fs::path unfinished_record(fs::path record) { return record += unfinished_suffix; }

std::string this_host() {
  char name[HOST_NAME_MAX + 1] = {};
  ::gethostname(name, HOST_NAME_MAX);
  return name;
}

HeldRecord::HeldRecord(const Dialect& dialect, const std::string& name, const fs::path& files) {
  try {
    const ClusterRecord record{.name = name,
                               .scheduler = dialect.cancel_by_name.empty() ? "" : dialect.name,
                               .host = this_host(),
                               .pid = ::getpid(),
                               .files = files,
                               .began = std::chrono::system_clock::now()};
    const fs::path path = record_path(name);
    make_directories(path.parent_path());
    file_ = write_locked(path, record.text());
    path_ = path;
  } catch (const std::exception& error) {
    const std::string line =
        "cohort: the jobs are not recorded, so 'cohort reap' will not find them if this host fails: " +
        std::string(error.what()) + '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  }
}

HeldRecord::~HeldRecord() {
  if (!path_.empty() && !is_kept_) ::unlink(path_.c_str());
}

}  // namespace cohort::batch
