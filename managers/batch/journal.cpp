#include "journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/option_values.hpp>
#include <cohort/options.hpp>

#include "notice.hpp"

namespace cohort::batch {
namespace {

namespace fs = std::filesystem;
using cohort::OptionType;
using cohort::detail::MutexLock;

constexpr std::int64_t journal_version = 1;
constexpr std::size_t most_notes = 100, longest_line = 1000;
constexpr off_t most_bytes = 1 << 20;

constexpr cohort::Option journal_fields[] = {
    {"version", OptionType::integer, nullptr, "of this form", nullptr, journal_version, journal_version},
    {"as_of", OptionType::string, "\"\"", "when it was written", nullptr},
    {"state", OptionType::strings, "[]", "how it is", nullptr},
    {"notes", OptionType::strings, "[]", "what was done", nullptr},
};

fs::path journal_in(const fs::path& directory) { return directory / "explain.json"; }

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = "?";
  if (::localtime_r(&now, &parts) != nullptr) std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  return text;
}

}  // namespace

void Journal::keep_in(const fs::path& directory) {
  const MutexLock lock(mutex_);
  file_ = journal_in(directory);
  write();
}

void Journal::note(const std::string& text) {
  const MutexLock lock(mutex_);
  notes_.push_back(time_text() + ' ' + cohort::excerpt(text, longest_line));
  if (notes_.size() > most_notes) notes_.pop_front();
  write();
}

void Journal::say(const std::string& text) {
  cohort::batch::say(text);
  note(text);
}

void Journal::set_state(std::vector<std::string> lines) {
  for (auto& line : lines) line = cohort::excerpt(line, longest_line);
  const MutexLock lock(mutex_);
  if (std::exchange(state_, std::move(lines)) != state_) write();
}

// Nothing depends on it: if it cannot be written, it is missing or old.
void Journal::write() noexcept {
  if (file_.empty()) return;
  try {
    const std::string text = cohort::OptionValues{{"version", journal_version},
                                                  {"as_of", time_text()},
                                                  {"state", state_},
                                                  {"notes", std::vector<std::string>(notes_.begin(), notes_.end())}}
                                 .json();
    const std::string unfinished = file_.string() + ".new";
    cohort::FileDescriptor file(
        ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()))
      ::rename(unfinished.c_str(), file_.c_str());
  } catch (const std::exception&) {
  }
}

JournalText JournalText::read(const fs::path& directory) {
  const fs::path path = journal_in(directory);
  const auto failure = [&](const std::string& why) {
    return cohort::Error("cannot read " + path.string() + ": " + why);
  };
  const cohort::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) throw failure(std::generic_category().message(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw failure(std::generic_category().message(errno));
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 022) != 0)
    throw failure("it is not a regular file that only this user can write");
  if (status.st_size > most_bytes) throw failure("it is too long");
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  const auto values = cohort::Options::parse(journal_fields, text, path.string());
  return {values.string("as_of"), values.strings("state"), values.strings("notes")};
}

}  // namespace cohort::batch
