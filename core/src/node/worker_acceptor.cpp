#include <cohort/worker_acceptor.hpp>

#include <exception>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>

#include "base/log.hpp"
#include "base/secret.hpp"
#include "membership/arrival.hpp"
#include "node/session.hpp"
#include "remote/exception_codec.hpp"

namespace cohort {

namespace {

/// The tokens that were given away and not used, and those whose worker has not said yet where it listens.
class TokenTable {
 public:
  std::vector<JoinToken> make(std::size_t count, const std::any& mark) {
    std::vector<JoinToken> made;
    const detail::MutexLock lock(mutex_);
    if (count > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max() - last_))
      throw Error("there are no more numbers for join tokens");
    for (std::size_t i = 0; i < count; ++i) {
      made.push_back({++last_, random_cookie()});
      unused_.emplace(last_, Token{made.back().secret, mark});
    }
    return made;
  }
  void revoke(const std::vector<JoinToken>& tokens) {
    const detail::MutexLock lock(mutex_);
    for (const auto& token : tokens) unused_.erase(token.number);
  }
  std::optional<std::string> secret_of(std::int32_t number) {
    const detail::MutexLock lock(mutex_);
    const auto token = unused_.find(number);
    return token == unused_.end() ? std::nullopt : std::optional(token->second.secret);
  }
  bool use(std::int32_t number) {
    const detail::MutexLock lock(mutex_);
    auto token = unused_.extract(number);
    if (!token) return false;
    marks_.emplace(number, std::move(token.mapped().mark));
    return true;
  }
  std::any take_mark(std::int32_t number) {
    const detail::MutexLock lock(mutex_);
    auto mark = marks_.extract(number);
    return mark ? std::move(mark.mapped()) : std::any();
  }

 private:
  struct Token {
    std::string secret;
    std::any mark;
  };
  detail::Mutex mutex_;
  std::int32_t last_ COHORT_GUARDED_BY(mutex_) = 0;
  std::map<std::int32_t, Token> unused_ COHORT_GUARDED_BY(mutex_);
  std::map<std::int32_t, std::any> marks_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace

class WorkerAcceptor::Impl final : public ArrivedWorkers, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Master& master, std::function<void(WorkerConfig)> on_arrived)
      : master_(&master), on_arrived_(std::move(on_arrived)) {}

  void arrived(WorkerConfig config) noexcept override {
    const detail::MutexLock one_at_a_time(mutex_);
    if (on_arrived_ == nullptr) return;
    try {
      on_arrived_(std::move(config));
    } catch (...) {
      log_warning("a worker that wanted to join was refused: " + message_of(std::current_exception()));
    }
  }

  void master_ends() noexcept override {
    const detail::MutexLock lock(master_mutex_);
    master_ = nullptr;
  }

  TokenTable& tokens() { return tokens_; }
  std::optional<std::string> secret_of_token(std::int32_t number) override { return tokens_.secret_of(number); }
  bool use_token(std::int32_t number) override { return tokens_.use(number); }
  std::any mark_of_token(std::int32_t number) override { return tokens_.take_mark(number); }

  /// @throws Error.
  template <class Use>
  void with_node(Use use) {
    const detail::MutexLock lock(master_mutex_);
    if (master_ == nullptr) throw Error("the cluster has ended");
    use(master_->node());
  }

  void close() {
    {
      const detail::MutexLock lock(master_mutex_);
      if (master_ != nullptr) master_->node().stop_accepting(shared_from_this());
    }
    const detail::MutexLock not_in_a_call(mutex_);
    on_arrived_ = nullptr;
  }

 private:
  TokenTable tokens_;
  detail::Mutex master_mutex_;  // the master does not end while it is used
  Master* master_ COHORT_GUARDED_BY(master_mutex_);
  detail::Mutex mutex_;
  std::function<void(WorkerConfig)> on_arrived_ COHORT_GUARDED_BY(mutex_);
};

WorkerAcceptor::WorkerAcceptor(std::function<void(WorkerConfig)> on_arrived)
    : impl_(std::make_shared<Impl>(current_master(), std::move(on_arrived))) {
  current_master().add_acceptor(impl_);
}

WorkerAcceptor::~WorkerAcceptor() { impl_->close(); }

std::string WorkerAcceptor::accept_at(std::unique_ptr<Listener> listener) {
  std::string address = listener->address();
  impl_->with_node([&](NodeImpl& node) { node.accept_at(std::move(listener), impl_); });
  return address;
}

std::vector<JoinToken> WorkerAcceptor::make_tokens(std::size_t count, const std::any& userdata) {
  return impl_->tokens().make(count, userdata);
}

void WorkerAcceptor::revoke(const std::vector<JoinToken>& tokens) { impl_->tokens().revoke(tokens); }

void WorkerAcceptor::process_messages(IoPair incoming) {
  impl_->with_node([&](NodeImpl& node) { node.add_connection(std::move(incoming), no_pid, impl_); });
}

}  // namespace cohort
