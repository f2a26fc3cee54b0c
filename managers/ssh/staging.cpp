#include "staging.hpp"

#include <fcntl.h>
#include <libssh/sftp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <thread>
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

class Stager {
 public:
  Stager(ssh_session session, const Patience& patience)
      : session_(session), patience_(patience), sftp_(::sftp_new(session)) {
    if (sftp_ == nullptr || ::sftp_init(sftp_.get()) != SSH_OK)
      throw LaunchFailure("stage", "the server takes no files: " + error_of(session_),
                          "Its sshd_config needs a line 'Subsystem sftp'; or put the program there yourself, and say "
                          "where with 'exename'.");
  }

  std::string home() {
    std::string path = take_text(::sftp_canonicalize_path(sftp_.get(), "."));
    if (path.empty()) fail("home directory");
    return path;
  }
  bool exists(const std::string& path) {
    const sftp_attributes found = ::sftp_stat(sftp_.get(), path.c_str());
    ::sftp_attributes_free(found);
    return found != nullptr;
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
    const std::unique_ptr<sftp_file_struct, CloseFile> file(
        ::sftp_open(sftp_.get(), unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0700));
    if (file == nullptr) fail(there);
    std::vector<char> block(block_size);
    while (input.read(block.data(), static_cast<std::streamsize>(block.size())), input.gcount() > 0) {
      const auto size = static_cast<std::size_t>(input.gcount());
      if (::sftp_write(file.get(), block.data(), size) != static_cast<ssize_t>(size)) fail(there);
    }
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

}  // namespace

std::string stage(ssh_session session, const ProgramFiles& program, const std::string& cache, bool again,
                  const Patience& patience) {
  const Blocking blocking(session);
  const Watchdog watchdog(::ssh_get_fd(session), patience);
  Stager stager(session, patience);
  std::string directory = (cache.starts_with('/') ? cache : stager.home() + '/' + cache) + '/' + program.key;
  const std::string complete = directory + "/complete";
  if (!again && stager.exists(complete)) return directory;
  for (const char* part : {"/bin", "/lib/cohort/plugins"}) stager.make_directory(directory + part);
  for (const auto& file : program.files) stager.copy(file.here, directory + '/' + file.there);
  std::istringstream nothing;
  stager.write(nothing, complete);
  return directory;
}

}  // namespace cohort_ssh
