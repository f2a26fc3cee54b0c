#include "door.hpp"

#include <utility>

namespace cohort_batch {

using cohort::LaunchQueue;
using cohort::WorkerConfig;
using cohort::detail::MutexLock;

Door::Door(std::string listen, std::filesystem::path file, std::any mark)
    : listen_(std::move(listen)), file_(std::move(file)), mark_(std::move(mark)) {}

// The acceptor may still call take_in() until it is gone.
Door::~Door() {
  acceptor_.reset();
  cohort::JoinFile::remove(file_, written_);
}

void Door::open(const cohort::LaunchParams& params, LaunchQueue& launched, std::int64_t count) {
  const MutexLock lock(mutex_);
  if (acceptor_ == nullptr) {
    auto listener = params.transport->listen(listen_);
    acceptor_ = std::make_unique<cohort::WorkerAcceptor>([this](WorkerConfig worker) { take_in(std::move(worker)); });
    address_ = acceptor_->accept_at(std::move(listener));
  }
  written_.reset();  // that of an earlier launch is replaced
  join_ = {address_, params.exename, params.exeflags, params.dir, params.cookie};
  written_ = join_.write(file_);
  later_ = launched.keep_open();
  wanted_ = count;
  taking_ = &launched;
}

std::int64_t Door::wait(const std::stop_token& stop, cohort::Clock::time_point deadline) {
  const MutexLock lock(mutex_);
  const auto all_came = [this]() COHORT_REQUIRES(mutex_) { return wanted_ == 0; };
  if (deadline == cohort::Clock::time_point::max())
    came_.wait(mutex_, stop, all_came);
  else
    came_.wait_until(mutex_, stop, cohort::detail::system_time_of(deadline), all_came);
  return wanted_;
}

std::int64_t Door::end_launch() {
  const MutexLock lock(mutex_);
  taking_ = nullptr;
  return std::exchange(wanted_, 0);
}

std::int64_t Door::arrived() {
  const MutexLock lock(mutex_);
  return arrived_;
}

// A plugin thread.
void Door::take_in(WorkerConfig worker) {
  const MutexLock lock(mutex_);
  if (later_ == nullptr) return;  // the launch failed
  worker.userdata = mark_;
  arrived_++;
  if (taking_ == nullptr || wanted_ == 0) return later_->push(std::move(worker));
  taking_->push(std::move(worker));
  if (--wanted_ == 0) came_.notify_all();
}

}  // namespace cohort_batch
