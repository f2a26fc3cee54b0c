#include <cohort/node.hpp>

#include <atomic>
#include <utility>

#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/forked_child.hpp"
#include "base/process_settings.hpp"
#include "base/secret.hpp"
#include "config/cluster_text.hpp"
#include "node/master.hpp"
#include "node/session.hpp"
#include "node/worker.hpp"

namespace cohort {

Worker::Settings worker_settings(WorkerOptions options) {
  refuse_shorter(options.master_timeout, Duration(1), "master_timeout");
  if (!options.token) check_cookie(options.cookie, "WorkerOptions::cookie");
  return {.cookie = std::move(options.cookie),
          .token = std::move(options.token),
          .transport_key = options.transport_key,
          .transport = std::move(options.transport),
          .manager = std::move(options.manager),
          .bind_to = std::move(options.bind_to),
          .master_timeout = options.master_timeout};
}

void end_master(std::unique_ptr<Master> master) noexcept {
  master->remove_all();
  if (master->release_managers()) return;
  static std::atomic<Master*> abandoned;  // what a manager's thread still uses ends with the process
  abandoned.store(master.release());
}

class Node::Impl {
 public:
  explicit Impl(NodeOptions options) {
    refuse_to_lead_as_worker();
    detail::check_timeouts(options.timeouts);
    master_ = std::make_unique<Master>(options.timeouts);
    master_->set_default_transport(std::move(options.transport));
  }
  explicit Impl(WorkerOptions options) {
    auto settings = worker_settings(std::move(options));
    settings.owns_process = false;
    worker_ = std::make_unique<Worker>(std::move(settings));
  }
  ~Impl() {
    if (master_ != nullptr) end_master(std::move(master_));
  }

  NodeImpl& node() const { return master_ != nullptr ? master_->node() : worker_->node(); }
  Master* master() const { return master_.get(); }
  Worker& worker() const {
    if (worker_ != nullptr) return *worker_;
    throw Error("this node is a master");
  }

 private:
  std::unique_ptr<Master> master_;  // one of the two
  std::unique_ptr<Worker> worker_;
};

namespace {

// Also where only nodes are made, and no Session.
template <class Options>
Options prepared(Options options) {
  refuse_in_forked_child();
  prepare_process();
  return options;
}

}  // namespace

Node::Node(NodeOptions options) : impl_(std::make_unique<Impl>(prepared(std::move(options)))) {}
Node::Node(WorkerOptions options) : impl_(std::make_unique<Impl>(prepared(std::move(options)))) {}
Node::Node(Node&& other) noexcept = default;

Node& Node::operator=(Node&& other) noexcept {
  if (this != &other) stop();
  impl_ = std::move(other.impl_);
  return *this;
}

Node::~Node() { stop(); }

// In a child of fork() there are no threads to end, and its parent has the cluster.
void Node::stop() noexcept {
  if (is_forked_child()) {
    static_cast<void>(impl_.release());
    return;
  }
  if (impl_ == nullptr) return;
  CurrentNode& of_thread = CurrentNode::of_thread();
  if (of_thread.router == &impl_->node()) of_thread = {nullptr, nullptr, true};
  // Not reset(), which would first write the pointer: a manager that runs on a thread of this node reads it, until the
  // thread has ended.
  delete impl_.get();
  static_cast<void>(impl_.release());
}

static const std::string stopped = "this node was stopped, or moved from";

Pid Node::id() const {
  if (impl_ == nullptr) throw Error(stopped);
  return impl_->node().self();
}

std::string Node::address() const {
  if (impl_ == nullptr) throw Error(stopped);
  return impl_->master() != nullptr ? "" : impl_->worker().address();
}

void Node::process_messages(IoPair incoming) {
  if (impl_ == nullptr) throw Error(stopped);
  Master* master = impl_->master();
  impl_->node().add_connection(std::move(incoming), no_pid, master == nullptr ? nullptr : master->only_acceptor());
}

void Node::join_cluster(IoPair master) {
  if (impl_ == nullptr) throw Error(stopped);
  impl_->worker().join(std::move(master));
}

int Node::serve() {
  if (impl_ == nullptr) throw Error(stopped);
  return impl_->worker().serve();
}

Node::Scope::Scope(const Node& node)
    : router_before_(CurrentNode::of_thread().router),
      references_before_(CurrentNode::of_thread().references),
      stopped_before_(CurrentNode::of_thread().was_stopped) {
  if (node.impl_ == nullptr) throw Error(stopped);
  CurrentNode::of_thread() = node.impl_->node().current();
}

Node::Scope::~Scope() {
  CurrentNode::of_thread() = {static_cast<Router*>(router_before_), static_cast<References*>(references_before_),
                              stopped_before_};
}

}  // namespace cohort
