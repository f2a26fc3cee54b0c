#pragma once

#include <optional>
#include <string>

#include "../hosts/host_bed.hpp"
#include "bed_program.hpp"

namespace cohort::test {

/// A Grid Engine of a test's own, over two hosts with four slots each; see tests/testbed/sge. It ends with this object,
/// and with this process. SGE_ROOT and so on name it as long as it is there. enter_head() comes before.
class SgeBed {
 public:
  SgeBed();
  ~SgeBed();
  SgeBed(const SgeBed&) = delete;
  SgeBed& operator=(const SgeBed&) = delete;

  /// The only one there is.
  static SgeBed& current();

  /// False: it is not installed, or not permitted here.
  bool runs() const { return program_ && !program_->line().empty(); }
  HostBed& hosts() { return hosts_; }

 private:
  HostBed hosts_{2};
  std::optional<BedProgram> program_;
};

}  // namespace cohort::test
