#include "job_outputs.hpp"

#include <utility>

#include <cohort/detail/mutex.hpp>

namespace cohort::cli {
namespace {

detail::Mutex current_mutex;  // held while a part is added, so that current lives that long
JobOutputs* current COHORT_GUARDED_BY(current_mutex) = nullptr;

}  // namespace

std::size_t JobOutput::out_size() const {
  std::size_t size = 0;
  for (const auto& text : out) size += text.size();
  return size;
}

JobOutputs::JobOutputs() {
  const detail::MutexLock lock(current_mutex);
  current = this;
}

JobOutputs::~JobOutputs() {
  const detail::MutexLock lock(current_mutex);
  current = nullptr;
}

std::uint64_t JobOutputs::open() {
  const detail::MutexLock lock(mutex_);
  running_[next_];
  return next_++;
}

void JobOutputs::add(std::uint64_t job, bool is_stderr, std::string text) {
  const detail::MutexLock lock(mutex_);
  const auto found = running_.find(job);
  if (found == running_.end()) return;
  auto& texts = is_stderr ? found->second.err : found->second.out;
  texts.push_back(spool_.keep(std::move(text)));
}

JobOutput JobOutputs::take(std::uint64_t job, std::string last_out, std::string last_err) {
  const detail::MutexLock lock(mutex_);
  JobOutput output = std::move(running_.extract(job).mapped());
  if (!last_out.empty()) output.out.push_back(spool_.keep(std::move(last_out)));
  if (!last_err.empty()) output.err.push_back(spool_.keep(std::move(last_err)));
  return output;
}

void keep_output(std::uint64_t job, bool is_stderr, std::string text) {
  const detail::MutexLock lock(current_mutex);
  if (current != nullptr) current->add(job, is_stderr, std::move(text));
}

}  // namespace cohort::cli
