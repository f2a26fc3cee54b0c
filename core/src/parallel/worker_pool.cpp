#include <cohort/worker_pool.hpp>

#include "membership/router.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/call_context.hpp"

namespace cohort {

const std::shared_ptr<detail::PoolState>& pool_state(const WorkerPool& pool) { return pool.state_; }

namespace {

std::shared_ptr<detail::PoolState> make_pool(const std::vector<Pid>& workers, bool keeps_functions) {
  Router& router = *CurrentNode::get().router;
  auto functions = keeps_functions ? std::make_unique<detail::FunctionTable>() : nullptr;
  auto pool = std::make_shared<detail::PoolState>(router.self(), workers, std::move(functions));
  router.parallel().watch(pool);
  pool->refresh(router);
  return pool;
}

}  // namespace

WorkerPool::WorkerPool(const std::vector<Pid>& workers) : state_(make_pool(workers, false)) {}
CachingPool::CachingPool(const std::vector<Pid>& workers) : WorkerPool(make_pool(workers, true)) {}

Pid WorkerPool::take(const WaitOptions& options) const { return state_->take(options); }
void WorkerPool::put(Pid pid) const { state_->put(pid); }
void WorkerPool::push(Pid pid) const {
  state_->push(pid);
  state_->refresh(*CurrentNode::get().router);  // it may be gone already
}
void WorkerPool::wait(const WaitOptions& options) const { state_->wait(options); }
bool WorkerPool::is_ready() const { return state_->has_free(); }
std::vector<Pid> WorkerPool::workers() const { return state_->workers(); }
std::size_t WorkerPool::length() const { return state_->size(); }

void clear(const CachingPool& pool) { pool_state(pool)->functions()->clear(); }

WorkerPool default_worker_pool() {
  Router& router = *CurrentNode::get().router;
  return WorkerPool(router.parallel().default_pool(router));
}
void default_worker_pool(const WorkerPool& pool) {
  CurrentNode::get().router->parallel().set_default_pool(pool_state(pool));
}

namespace detail {

bool keeps_functions(const WorkerPool& pool) { return pool_state(pool)->functions() != nullptr; }

FunctionKey send_function_once(const WorkerPool& pool, Pid worker, const PortableFunction& function) {
  FunctionTable& functions = *pool_state(pool)->functions();
  const FunctionKey key = functions.key_of(function);
  if (functions.is_at(key, worker)) return key;
  functions.sent(key, worker);
  Payload message;
  OutArchive archive(message);
  archive(key);
  message.body.append(function.encoded.body.data(), function.encoded.body.size());
  message.segments = function.encoded.segments;
  message.references = function.encoded.references;
  call_fetch(worker, function.thunk, message);
  functions.arrived(key, worker);
  return key;
}

}  // namespace detail
}  // namespace cohort
