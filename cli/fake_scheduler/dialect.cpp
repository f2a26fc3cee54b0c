#include "dialect.hpp"

namespace cohort::fake_scheduler {

std::unique_ptr<Dialect> make_dialect(std::string_view name) {
  if (name == "slurm") return slurm_dialect();
  if (name == "sge") return sge_dialect();
  if (name == "pbs") return pbs_dialect();
  if (name == "lsf") return lsf_dialect();
  if (name == "htcondor") return htcondor_dialect();
  return nullptr;
}

}  // namespace cohort::fake_scheduler
