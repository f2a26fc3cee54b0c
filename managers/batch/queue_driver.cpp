#include <cohort/batch/queue_driver.hpp>

#include <cohort/detail/text.hpp>

namespace cohort::batch {

std::string_view name_of(JobState state) {
  switch (state) {
    case JobState::queued:
      return "queued";
    case JobState::active:
      return "active";
    case JobState::completed:
      return "completed";
    case JobState::failed:
      return "failed";
    case JobState::cancelled:
      return "cancelled";
    case JobState::unknown:
      break;
  }
  return "unknown";
}

// While it waits, the state says all that its word does.
std::string text_of(const JobStatus& status) {
  std::string details;
  const auto add = [&details](const std::string& detail) {
    if (!detail.empty()) details += (details.empty() ? "" : ", ") + cohort::excerpt(detail);
  };
  if (status.state != JobState::queued && status.state != JobState::active) add(status.word);
  if (status.reason != status.word) add(status.reason);
  std::string text(name_of(status.state));
  if (!details.empty()) text += " (" + details + ')';
  if (status.signal)
    text += ", signal " + std::to_string(*status.signal);
  else if (status.exit_code.value_or(0) != 0 && status.state == JobState::failed)
    text += ", exit code " + std::to_string(*status.exit_code);
  return text;
}

}  // namespace cohort::batch
