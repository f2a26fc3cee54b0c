#include "staging.hpp"

#include <fcntl.h>
#include <libssh/sftp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <cohort/start_thread.hpp>

#include "launch_failure.hpp"

namespace cohort_ssh {
namespace {

// Each block waits for its answer; OpenSSH takes 256 KiB with all around it.
constexpr std::size_t block_size = 192 * 1024;

// libssh's SFTP blocks, however long: when the patience is over, this ends the connection under it.
class Watchdog {
 public:
  Watchdog(int socket, const Patience& patience)
      : thread_(cohort::start_thread("watch over the copying of the program", [this, socket, &patience] {
          patience.wait(over_.descriptor(), POLLIN);
          if (patience.over()) ::shutdown(socket, SHUT_RDWR);
        })) {}
  ~Watchdog() {
    over_.set();
    thread_.join();
  }
  Watchdog(const Watchdog&) = delete;

 private:
  const Event over_;
  std::thread thread_;
};

class Blocking {
 public:
  explicit Blocking(ssh_session session) : session_(session) { ::ssh_set_blocking(session_, 1); }
  ~Blocking() { ::ssh_set_blocking(session_, 0); }
  Blocking(const Blocking&) = delete;

 private:
  ssh_session session_;
};

struct FreeSftp {
  void operator()(sftp_session sftp) const { ::sftp_free(sftp); }
};
struct CloseFile {
  void operator()(sftp_file file) const { ::sftp_close(file); }
};

struct CloseDirectory {
  void operator()(sftp_dir directory) const { ::sftp_closedir(directory); }
};
struct FreeAttributes {
  void operator()(sftp_attributes attributes) const { ::sftp_attributes_free(attributes); }
};
using Attributes = std::unique_ptr<sftp_attributes_struct, FreeAttributes>;

class Stager {
 public:
  Stager(ssh_session session, const Patience& patience)
      : session_(session), patience_(patience), sftp_(::sftp_new(session)) {
    if (sftp_ == nullptr || ::sftp_init(sftp_.get()) != SSH_OK)
      throw LaunchFailure("stage", "the server takes no files: " + error_of(session_),
                          "Its sshd_config needs a line 'Subsystem sftp'; or put the program there yourself, and say "
                          "where with 'exename'.");
  }

  /// Without links and dots. @param path "." is the home directory.
  std::string real_path(const std::string& path) {
    std::string real = take_text(::sftp_canonicalize_path(sftp_.get(), path.c_str()));
    if (real.empty()) fail(path);
    return real;
  }
  /// nullptr: there is no such file.
  Attributes look_at(const std::string& path) { return Attributes(::sftp_stat(sftp_.get(), path.c_str())); }
  bool exists(const std::string& path) { return look_at(path) != nullptr; }
  /// What is in a directory by its names, with "." and "..". Empty: it is not there.
  std::map<std::string, Attributes> list(const std::string& path) {
    std::map<std::string, Attributes> entries;
    const std::unique_ptr<sftp_dir_struct, CloseDirectory> directory(::sftp_opendir(sftp_.get(), path.c_str()));
    if (directory == nullptr) {
      if (exists(path)) fail(path);
      return entries;
    }
    while (Attributes entry{::sftp_readdir(sftp_.get(), directory.get())}) {
      const std::string name = entry->name;
      entries.emplace(name, std::move(entry));
    }
    if (::sftp_dir_eof(directory.get()) == 0) fail(path);
    return entries;
  }
  /// The user of this login: who owns a file that it makes.
  std::uint32_t user(const std::string& directory) {
    const std::string path = directory + "/owner." + std::to_string(::getpid()) + ".new";
    const sftp_file file = ::sftp_open(sftp_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file == nullptr) fail(path);
    const Attributes made(::sftp_fstat(file));
    ::sftp_close(file);
    ::sftp_unlink(sftp_.get(), path.c_str());
    if (made == nullptr) fail(path);
    return made->uid;
  }
  /// With all above it.
  void make_directory(const std::string& path) {
    if (exists(path)) return;
    if (const auto slash = path.rfind('/'); slash != path.npos && slash > 0) make_directory(path.substr(0, slash));
    if (::sftp_mkdir(sftp_.get(), path.c_str(), 0700) != 0 && !exists(path)) fail(path);  // another may be faster
  }
  void copy(const std::filesystem::path& here, const std::string& there) {
    std::ifstream input(here, std::ios::binary);
    write(input, there);
    if (!input.eof()) throw LaunchFailure("stage", "cannot read " + here.string(), "");
  }
  void write(std::istream& input, const std::string& there) {
    const std::string unfinished = there + "." + std::to_string(::getpid()) + ".new";
    try {
      write_to(unfinished, input, there);
      if (::sftp_rename(sftp_.get(), unfinished.c_str(), there.c_str()) == 0) return;
      // SFTP does not rename over a file. Who runs the old one keeps it.
      ::sftp_unlink(sftp_.get(), there.c_str());
      if (::sftp_rename(sftp_.get(), unfinished.c_str(), there.c_str()) != 0) fail(there);
    } catch (...) {
      ::sftp_unlink(sftp_.get(), unfinished.c_str());
      throw;
    }
  }

 private:
  void write_to(const std::string& unfinished, std::istream& input, const std::string& there) {
    std::unique_ptr<sftp_file_struct, CloseFile> file(
        ::sftp_open(sftp_.get(), unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0700));
    if (file == nullptr) fail(there);
    std::vector<char> block(block_size);
    while (input.read(block.data(), static_cast<std::streamsize>(block.size())), input.gcount() > 0) {
      const auto size = static_cast<std::size_t>(input.gcount());
      if (::sftp_write(file.get(), block.data(), size) != static_cast<ssize_t>(size)) fail(there);
    }
    if (::sftp_close(file.release()) != SSH_OK) fail(there);  // some file systems only now say that they are full
  }
  [[noreturn]] void fail(const std::string& path) {
    if (patience_.over())
      throw LaunchFailure("stage", patience_.stopped() ? "the launch was given up" : "no time was left for the copy",
                          "timeouts.launch says how long it may take.");
    if (!::ssh_is_connected(session_))
      throw LaunchFailure("stage", "the connection was lost: " + error_of(session_), "");
    const int error = ::sftp_get_error(sftp_.get());
    throw LaunchFailure("stage",
                        "cannot write " + path + ": " +
                            (error == SSH_FX_PERMISSION_DENIED ? "permission denied"
                             : error == SSH_FX_NO_SUCH_FILE    ? "no such directory"
                                                               : "is there no room left?"),
                        "The option 'stage_dir' says another directory.");
  }

  ssh_session session_;
  const Patience& patience_;
  const std::unique_ptr<sftp_session_struct, FreeSftp> sftp_;
};

// Whether others could have put there what would be run, as sshd asks of a user's own files. Root may.
class Watch {
 public:
  Watch(Stager& stager, std::string cache) : stager_(stager), cache_(std::move(cache)) {}

  /// @throws LaunchFailure.
  void check(const std::string& path, const sftp_attributes_struct& found) {
    if ((found.flags & SSH_FILEXFER_ATTR_UIDGID) == 0 || (found.flags & SSH_FILEXFER_ATTR_PERMISSIONS) == 0)
      refuse("the server does not say whose " + path + " is");
    if (found.uid != 0 && found.uid != user()) refuse(path + " belongs to user " + std::to_string(found.uid));
    if (S_ISDIR(found.permissions) && (found.permissions & S_ISVTX) != 0) return;  // nobody replaces what is another's
    // A group with the number of its user is that user's private one.
    const bool by_group = (found.permissions & S_IWGRP) != 0 && found.gid != found.uid;
    if (by_group || (found.permissions & S_IWOTH) != 0) refuse("others may write to " + path);
  }
  /// All directories from `path` up to `home`, or up to the root. @param path without links.
  void check_way(std::string path, const std::string& home) {
    for (;;) {
      if (const Attributes found = stager_.look_at(path)) check(path, *found);
      const auto slash = path.rfind('/');
      if (path == home || path == "/" || slash == path.npos) return;
      path.resize(std::max<std::size_t>(slash, 1));
    }
  }

 private:
  std::uint32_t user() {
    if (!user_) user_ = stager_.user(cache_);
    return *user_;
  }
  [[noreturn]] static void refuse(const std::string& why) {
    throw LaunchFailure("stage", "the program is not taken from there, as somebody else could have changed it: " + why,
                        "Remove it, if nothing of yours is in it. The option 'stage_dir' says another directory.");
  }

  Stager& stager_;
  const std::string cache_;
  std::optional<std::uint32_t> user_;
};

// What of the program is there already, as it was copied, by its names in ProgramFiles.
std::set<std::string> staged_files(Stager& stager, Watch& watch, const std::string& directory) {
  std::set<std::string> found;
  for (const std::string part : {"", "bin/", "lib/", "lib/cohort/", "lib/cohort/plugins/"}) {
    const auto entries = stager.list(directory + '/' + part);
    if (entries.empty() && part.empty()) return found;
    for (const auto& [name, attributes] : entries) {
      if (name == "..") continue;
      watch.check(directory + '/' + part + name, *attributes);
      if (S_ISREG(attributes->permissions)) found.insert(part + name + ' ' + std::to_string(attributes->size));
    }
  }
  return found;
}

std::string name_and_size(const ProgramFiles::File& file) {
  return file.there + ' ' + std::to_string(std::filesystem::file_size(file.here));
}

}  // namespace

std::string stage(ssh_session session, const ProgramFiles& program, const std::string& cache, bool again,
                  const Patience& patience) {
  const Blocking blocking(session);
  const Watchdog watchdog(::ssh_get_fd(session), patience);
  Stager stager(session, patience);
  const std::string home = stager.real_path(".");
  const std::string wanted = cache == "~" || cache.starts_with("~/") ? home + cache.substr(1)
                             : cache.starts_with('/')                ? cache
                                                                     : home + '/' + cache;
  stager.make_directory(wanted);
  const std::string place = stager.real_path(wanted), directory = place + '/' + program.key;
  Watch watch(stager, place);
  watch.check_way(place, home);
  const auto there = staged_files(stager, watch, directory);
  for (const char* part : {"/bin", "/lib/cohort/plugins"}) stager.make_directory(directory + part);
  for (const auto& file : program.files)
    if (again || !there.contains(name_and_size(file))) stager.copy(file.here, directory + '/' + file.there);
  return directory;
}

}  // namespace cohort_ssh
