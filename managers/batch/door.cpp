#include "door.hpp"

#include <utility>

#include <cohort/error.hpp>
#include <cohort/transport.hpp>

#include "own_addresses.hpp"

namespace cohort::batch {

using cohort::JoinFile;
using cohort::LaunchQueue;
using cohort::WorkerConfig;
using cohort::detail::MutexLock;

Door::Door(std::string listen, std::function<void(const WorkerConfig&)> on_arrival)
    : listen_(std::move(listen)), on_arrival_(std::move(on_arrival)) {}

// The acceptor may still call take_in() until it is gone.
Door::~Door() {
  MutexLock lock(mutex_);
  auto acceptor = std::move(acceptor_);
  lock.unlock();
}

void Door::listen(const cohort::LaunchParams& params) {
  const MutexLock lock(mutex_);
  if (acceptor_ == nullptr) {
    auto listener = params.transport->listen(listen_);
    acceptor_ = std::make_unique<cohort::WorkerAcceptor>([this](WorkerConfig worker) { take_in(std::move(worker)); });
    join_.address = acceptor_->accept_at(std::move(listener));
    join_.other_addresses = other_addresses(listen_, join_.address);
  }
  join_.program = params.exename;
  join_.flags = params.exeflags;
  join_.dir = params.dir;
  join_.cookie = params.cookie;
}

void Door::open(LaunchQueue& launched, std::int64_t count) {
  const MutexLock lock(mutex_);
  later_ = launched.keep_open();
  wanted_ = count;
  taking_ = &launched;
}

std::string Door::address() {
  const MutexLock lock(mutex_);
  return join_.address;
}

JoinFile Door::join_file() {
  const MutexLock lock(mutex_);
  return join_;
}

JoinFile Door::join_file(std::size_t count, const std::any& userdata) {
  const MutexLock lock(mutex_);
  if (acceptor_ == nullptr) throw cohort::Error("workers cannot come yet: nothing listens for them");
  JoinFile file = join_;
  file.transport_key = cohort::transport_secret(file.cookie);
  file.cookie.clear();
  file.tokens = acceptor_->make_tokens(count, userdata);
  return file;
}

void Door::expect(bool more) {
  MutexLock lock(mutex_);
  const auto queue = later_;
  lock.unlock();
  if (queue != nullptr) queue->expect(more);
}

void Door::revoke(const std::vector<cohort::JoinToken>& tokens) {
  const MutexLock lock(mutex_);
  if (acceptor_ != nullptr) acceptor_->revoke(tokens);
}

std::int64_t Door::wait(const std::stop_token& stop, cohort::Clock::time_point deadline, std::int64_t few) {
  const MutexLock lock(mutex_);
  const auto enough_came = [this, few]() COHORT_REQUIRES(mutex_) { return wanted_ <= few; };
  if (deadline == cohort::Clock::time_point::max())
    came_.wait(mutex_, stop, enough_came);
  else
    came_.wait_until(mutex_, stop, cohort::detail::system_time_of(deadline), enough_came);
  return wanted_;
}

std::int64_t Door::end_launch() {
  const MutexLock lock(mutex_);
  taking_ = nullptr;
  return std::exchange(wanted_, 0);
}

// A plugin thread.
void Door::take_in(WorkerConfig worker) {
  const MutexLock lock(mutex_);
  if (later_ == nullptr) return;  // the launch failed
  on_arrival_(worker);
  if (taking_ == nullptr || wanted_ == 0) return later_->push(std::move(worker));
  taking_->push(std::move(worker));
  wanted_--;
  came_.notify_all();
}

}  // namespace cohort::batch
