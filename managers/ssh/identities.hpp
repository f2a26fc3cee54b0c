#pragma once

#include <map>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "libssh_handles.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// The private keys of the user. Each is read only once for all logins. Any thread may use it.
class Identities {
 public:
  /// @return nullptr, with `problem` set, if the file cannot be used. Asks for a passphrase if there is a terminal; the
  /// other logins wait meanwhile.
  Key load(const std::string& file, const Patience& patience, std::string& problem);

  /// The default keys in ~/.ssh that exist.
  static std::vector<std::string> default_files();

 private:
  struct Loaded {
    Key key;
    std::string problem;
  };
  cohort::detail::Mutex mutex_;
  std::map<std::string, Loaded> loaded_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort_ssh
