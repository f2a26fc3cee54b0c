#include "sge_bed.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "test_programs.hpp"

namespace cohort::test {
namespace {

SgeBed* current_bed = nullptr;

}  // namespace

SgeBed::SgeBed() {
  current_bed = this;
  if (!hosts_.isolated()) return;
  ::setenv("TESTBED", hosts_.directory().c_str(), 1);
  program_.emplace(COHORT_TESTBED "/sge");
  if (!runs()) return;
  const std::filesystem::path environment = program_->line();
  ::setenv("SGE_ROOT", environment.parent_path().c_str(), 1);
  for (const auto& [name, value] : {std::pair("SGE_CELL", "default"), std::pair("SGE_QMASTER_PORT", "6444"),
                                    std::pair("SGE_EXECD_PORT", "6445"), std::pair("SGE_CLUSTER_NAME", "testbed")})
    ::setenv(name, value, 1);
}

SgeBed::~SgeBed() { current_bed = nullptr; }

SgeBed& SgeBed::current() { return *current_bed; }

}  // namespace cohort::test
