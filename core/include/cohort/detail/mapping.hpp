#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cohort/detail/farm.hpp>
#include <cohort/detail/run_batch.hpp>
#include <cohort/pmap_options.hpp>

namespace cohort::detail {

/// The items of a map, each asked for once.
template <class... Items>
struct Source {
  std::function<std::optional<std::tuple<Items...>>()> next;
  std::size_t size = 0;  // 0: not known
};

/// A map under way: pulls items as workers get free, and gives results in the order of their coming. One thread.
template <class F, class... Items>
class Mapping {
 public:
  using Job = RunBatch<F, Items...>;
  using Result = typename Job::Result;
  using Stored = stored_t<Result>;
  using Options = PmapOptions<Result, Items...>;

  Mapping(F function, Source<Items...> source, Options options, int ahead = 0)
      : function_(std::make_shared<const F>(std::move(function))),
        source_(std::move(source)),
        options_(std::move(options)),
        farm_(pool_of(options_), portable_or_null(), ahead) {
    // A stream's elements may be large, or slow to come: nothing waits for the next one.
    const bool stream = source_.size == 0 || ahead > 0;
    adaptive_ = options_.batch_size == automatic_batch_size && options_.distributed && !stream && !Job::coroutine;
    if (options_.batch_size == automatic_batch_size || !options_.distributed) options_.batch_size = 1;
  }

  /// The next result, with the number of its item; nullopt at the end. @throws what ends the map.
  std::optional<std::pair<std::size_t, Stored>> next() {
    for (;;) {
      if (!finished_.empty()) {
        auto result = std::move(finished_.front());
        finished_.pop_front();
        return result;
      }
      const bool over = options_.stop_token.stop_requested() || options_.deadline.at() <= Clock::now();
      if (!over) hand_out();  // else the farm says so, unless there is an answer
      if (jobs_.empty() && retries_.empty() && ready_.empty() && exhausted_) return std::nullopt;
      const auto until = retries_.empty() ? Clock::time_point::max() : retries_.begin()->first;
      if (auto answer = farm_.next({options_.deadline, options_.stop_token}, until)) take(std::move(*answer));
    }
  }

 private:
  using Batch = typename Job::Batch;
  // Of an adaptive batch: worth a message, and not long to wait for if one item turns out long.
  static constexpr double batch_seconds = 2e-3, batch_bytes = 64 << 10;
  // Items that go to a worker together; their numbers follow each other.
  struct Portion {
    std::size_t first = 0;
    std::shared_ptr<const Batch> items;
    std::size_t retried = 0;
    std::vector<Pid> failed_at;
    std::size_t bytes = 0;  // of the message
  };

  static WorkerPool pool_of(const Options& options) {
    if (!options.distributed) return WorkerPool(std::vector{myid()});
    return options.pool ? *options.pool : default_worker_pool();
  }
  const PortableFunction* portable_or_null() {
    if constexpr (!FunctionRef<F>::is_kept)
      return nullptr;
    else
      return &portable_.emplace(portable<F>(function_));
  }

  void hand_out() {
    for (auto due = Clock::now(); !retries_.empty() && retries_.begin()->first <= due;) {
      ready_.push_back(std::move(retries_.begin()->second));
      retries_.erase(retries_.begin());
    }
    for (auto portion = ready_.begin(); portion != ready_.end();) {
      const Pid worker = farm_.free_worker(portion->failed_at);
      if (worker == no_pid) {
        if (farm_.free_worker() == no_pid) break;  // none for the others either, and these may be very many
        ++portion;
      } else {
        send(worker, std::move(*portion));
        portion = ready_.erase(portion);
      }
    }
    while (!exhausted_) {
      const Pid worker = farm_.free_worker();
      if (worker == no_pid) return;
      Batch batch;
      for (const std::size_t size = next_batch_size(); batch.size() < size;) {
        auto item = source_.next();
        exhausted_ = !item;
        if (exhausted_) break;
        batch.push_back(std::move(*item));
      }
      if (batch.empty()) break;
      const std::size_t first = std::exchange(pulled_, pulled_ + batch.size());
      send(worker, {first, std::make_shared<const Batch>(std::move(batch)), 0, {}, 0});
    }
    if (ready_.empty()) farm_.even_out();
  }

  std::size_t next_batch_size() const {
    if (!adaptive_) return options_.batch_size;
    const std::size_t left = source_.size - std::min(pulled_, source_.size);
    return std::clamp<std::size_t>(left / (4 * std::max<std::size_t>(farm_.worker_count(), 1)), 1, short_items_);
  }

  // Items are short, and go together, as long as both the worker's time and the messages say so.
  void learn(std::size_t items, double seconds, std::size_t bytes) {
    const double time = seconds / static_cast<double>(items), size = static_cast<double>(bytes / items);
    const double fit = std::min(batch_seconds / std::max(time, 1e-9), batch_bytes / std::max(size, 1.0));
    short_items_ = static_cast<std::size_t>(std::clamp<double>(fit, 1, static_cast<double>(2 * short_items_)));
  }

  void send(Pid worker, Portion portion) {
    Payload arguments;
    OutArchive archive(arguments, portion.items);
    const double seconds = adaptive_ ? batch_seconds : -1;
    archive(FunctionRef<F>(*function_, farm_.function_key()), *portion.items, seconds);
    portion.bytes = arguments.byte_size();
    const auto number = ++last_job_;
    jobs_.emplace(number, std::move(portion));
    farm_.send(worker, number, ThunkOf<Job, FunctionRef<F>, Batch, double>::id(), std::move(arguments));
  }

  void take(Farm::Answer answer) {
    auto job = jobs_.extract(answer.job);
    if (job.empty()) return;
    const Portion& portion = job.mapped();
    if (!answer.sent) {
      ready_.push_front(std::move(job.mapped()));
      return;
    }
    typename Job::Outcome outcome;
    const std::size_t asked = portion.items->size();
    std::size_t done = asked;
    if (!answer.failure) {
      try {
        outcome = decode<typename Job::Outcome>(answer.result);
        done = outcome.items.size();
        if (done == 0 || done > asked) throw BadMessage("a batch with results missing");
        if (adaptive_) learn(done, outcome.seconds, std::max(portion.bytes, answer.result.byte_size()));
      } catch (...) {
        answer.failure = std::current_exception();
        done = asked;
      }
    }
    if (done < asked) {  // they took longer than thought: the rest is for whoever is free
      ready_.push_front({portion.first + done,
                         std::make_shared<const Batch>(portion.items->begin() + static_cast<std::ptrdiff_t>(done),
                                                       portion.items->end()),
                         portion.retried, portion.failed_at, 0});
    }
    for (std::size_t i = 0; i < done; i++) {
      if (!answer.failure && outcome.items[i].value)
        finish(portion.first + i, std::move(*outcome.items[i].value));
      else
        fail(portion, i, answer.failure ? answer.failure : outcome.items[i].failure, answer.worker);
    }
  }

  void fail(const Portion& portion, std::size_t at, std::exception_ptr error, Pid worker) {
    const auto& item = (*portion.items)[at];
    if (options_.on_error) {
      try {
        auto handle = [&](const auto&... values) -> Result { return options_.on_error(error, values...); };
        if constexpr (std::is_void_v<Result>) {
          std::apply(handle, item);
          finish(portion.first + at, Nothing{});
        } else {
          finish(portion.first + at, std::apply(handle, item));
        }
        return;
      } catch (...) {
        error = std::current_exception();
      }
    }
    const bool left = portion.retried < options_.retry_delays.size();
    const auto& check = options_.retry_check;
    if (!left || !(check ? check(error) : is_worth_retrying(error))) std::rethrow_exception(error);
    Portion again{portion.first + at, std::make_shared<const Batch>(1, item), portion.retried + 1, portion.failed_at,
                  0};
    again.failed_at.push_back(worker);
    retries_.emplace(deadline_after(options_.retry_delays[portion.retried]), std::move(again));
  }

  void finish(std::size_t index, Stored value) {
    finished_.emplace_back(index, std::move(value));
    done_++;
    if (options_.progress) options_.progress(done_, source_.size);
  }

  const std::shared_ptr<const F> function_;
  std::optional<PortableFunction> portable_;
  Source<Items...> source_;
  Options options_;
  Farm farm_;
  bool adaptive_ = false;
  std::size_t short_items_ = 1;  // that go together, as learnt
  bool exhausted_ = false;
  std::size_t pulled_ = 0, done_ = 0;
  std::uint64_t last_job_ = 0;
  std::unordered_map<std::uint64_t, Portion> jobs_;
  std::deque<Portion> ready_;  // to be sent again
  std::multimap<Clock::time_point, Portion> retries_;
  std::deque<std::pair<std::size_t, Stored>> finished_;
};

}  // namespace cohort::detail
