#include "membership/requests.hpp"

#include <utility>

namespace cohort {

Request::~Request() = default;

std::optional<std::uint64_t> RequestTable::add(std::shared_ptr<Request> request, std::size_t* open) {
  detail::MutexLock lock(mutex_);
  if (closed_) return std::nullopt;
  std::uint32_t index;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(entries_.size());
    entries_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  entries_[index].request = std::move(request);
  if (open != nullptr) *open = entries_.size() - free_.size();
  return std::uint64_t{entries_[index].generation} << 32 | index;
}

std::shared_ptr<Request> RequestTable::find(std::uint64_t id) const {
  detail::MutexLock lock(mutex_);
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= entries_.size() || entries_[index].generation != id >> 32) return nullptr;
  return entries_[index].request;
}

std::shared_ptr<Request> RequestTable::take(std::uint64_t id) {
  detail::MutexLock lock(mutex_);
  const auto index = static_cast<std::uint32_t>(id);
  if (index >= entries_.size()) return nullptr;
  Entry& entry = entries_[index];
  if (entry.request == nullptr || entry.generation != id >> 32) return nullptr;
  entry.generation++;
  free_.push_back(index);
  return std::exchange(entry.request, nullptr);
}

std::vector<std::shared_ptr<Request>> RequestTable::take_all_and_close(const std::string& cause) {
  detail::MutexLock lock(mutex_);
  closed_ = true;
  cause_ = cause;
  std::vector<std::shared_ptr<Request>> requests;
  for (Entry& entry : entries_) {
    if (entry.request != nullptr) requests.push_back(std::exchange(entry.request, nullptr));
  }
  return requests;
}

std::size_t RequestTable::open() const {
  detail::MutexLock lock(mutex_);
  return closed_ ? 0 : entries_.size() - free_.size();
}

std::string RequestTable::cause() const {
  detail::MutexLock lock(mutex_);
  return cause_;
}

}  // namespace cohort
