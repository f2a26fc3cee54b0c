#include <cohort/detail/map_engine.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/cluster.hpp>
#include <cohort/error.hpp>
#include <cohort/pmap_options.hpp>

#include "membership/router.hpp"
#include "parallel/item_result.hpp"
#include "parallel/map_progress.hpp"
#include "parallel/parallel_state.hpp"
#include "parallel/scheduler.hpp"
#include "remote/call_context.hpp"

namespace cohort::detail {
namespace {
// Limits of an adaptive batch: large enough for a message, and short enough to wait for if one item takes long.
constexpr double batch_seconds = 2e-3, batch_bytes = 64 << 10;
}  // namespace

class MapEngine::Impl {
 public:
  Impl(const Options& options, MapFunction function, ItemSource& source, ResultSink& results, bool is_stream)
      : function_(std::move(function)),
        source_(source),
        results_(results),
        // A stream's elements may be large, or arrive slowly: nothing waits for the next one.
        adaptive_(options.batch_size == automatic_batch_size && options.distributed && !is_stream && source.size > 0 &&
                  !function_.is_coroutine),
        batch_size_(options.distributed ? std::max<std::size_t>(options.batch_size, 1) : 1),
        retry_delays_(options.retry_delays),
        retry_check_(options.retry_check ? options.retry_check : is_worth_retrying),
        deadline_(options.deadline),
        stop_token_(options.stop_token),
        progress_(options.progress),
        state_(std::make_shared<MapProgress>(source.size)),
        scheduler_(pool_of(options), function_.function, is_stream ? 1 : 0) {
    const bool uses_all = options.distributed && pool_state(pool_of(options))->follows();
    if (uses_all) CurrentNode::get().router->parallel().add_map(state_);
  }

  bool next() {
    const std::size_t before = done_;
    while (done_ == before) {
      const bool over = stop_token_.stop_requested() || deadline_.at() <= Clock::now();
      if (!over) hand_out();  // else the scheduler says so, unless there is an answer
      if (jobs_.empty() && retries_.empty() && ready_.empty() && exhausted_) return false;
      const auto until = retries_.empty() ? Clock::time_point::max() : retries_.begin()->first;
      if (auto answer = scheduler_.next({deadline_, stop_token_}, until)) take(std::move(*answer));
    }
    return true;
  }

 private:
  static WorkerPool pool_of(const Options& options) {
    if (!options.distributed) return WorkerPool(std::vector{myid()});
    return options.pool ? *options.pool : default_worker_pool();
  }

  using Items = std::vector<std::shared_ptr<void>>;
  // Items that are sent to a worker together; their numbers are consecutive.
  struct Chunk {
    std::size_t first = 0;
    Items items;
    std::size_t retried = 0;
    std::vector<Pid> failed_at;
    std::size_t bytes = 0;  // of the message
  };

  void hand_out() {
    for (auto due = Clock::now(); !retries_.empty() && retries_.begin()->first <= due;) {
      ready_.push_back(std::move(retries_.begin()->second));
      retries_.erase(retries_.begin());
    }
    for (auto chunk = ready_.begin(); chunk != ready_.end();) {
      const Pid worker = scheduler_.free_worker(chunk->failed_at);
      if (worker == no_pid) {
        if (scheduler_.free_worker() == no_pid) break;  // none for the others either, and these may be very many
        ++chunk;
      } else {
        send(worker, std::move(*chunk));
        chunk = ready_.erase(chunk);
      }
    }
    while (!exhausted_) {
      const Pid worker = scheduler_.free_worker();
      if (worker == no_pid) return;
      Items items = pull(next_batch_size());
      if (items.empty()) break;
      const std::size_t first = std::exchange(pulled_, pulled_ + items.size());
      state_->pulled = pulled_;
      send(worker, {first, std::move(items), 0, {}, 0});
    }
    if (ready_.empty()) scheduler_.steal_waiting_jobs();
  }

  // Fewer than `most` at the end only.
  Items pull(std::size_t most) {
    Items items;
    while (items.size() < most) {
      auto item = source_.next();
      if (item == nullptr) {
        exhausted_ = true;
        break;
      }
      items.push_back(std::move(item));
    }
    return items;
  }

  std::size_t next_batch_size() const {
    if (!adaptive_) return batch_size_;
    const std::size_t left = source_.size - std::min(pulled_, source_.size);
    return std::clamp<std::size_t>(left / (4 * std::max<std::size_t>(scheduler_.worker_count(), 1)), 1,
                                   max_chunk_size_);
  }

  // Items count as short, and are sent together, as long as both the worker's time and the size of messages allow it.
  void learn(std::size_t items, double seconds, std::size_t bytes) {
    const double time = seconds / static_cast<double>(items), size = static_cast<double>(bytes / items);
    const double fit = std::min(batch_seconds / std::max(time, 1e-9), batch_bytes / std::max(size, 1.0));
    max_chunk_size_ = static_cast<std::size_t>(std::clamp<double>(fit, 1, static_cast<double>(2 * max_chunk_size_)));
  }

  void send(Pid worker, Chunk chunk) {
    Payload arguments;
    {
      // Large arrays of the items travel from where they lie: each segment keeps all of them alive.
      OutArchive archive(arguments, std::make_shared<const Items>(chunk.items));
      function_.save_function(archive, function_.function.object.get(), scheduler_.function_key());
      archive.write_size(chunk.items.size());
      for (const auto& item : chunk.items) function_.save_item(archive, item.get());
      archive(adaptive_ ? batch_seconds : -1.0);
    }
    chunk.bytes = arguments.byte_size();
    const auto number = ++last_job_;
    jobs_.emplace(number, std::move(chunk));
    scheduler_.send(worker, number, function_.thunk, std::move(arguments));
  }

  void take(Scheduler::Answer answer) {
    auto job = jobs_.extract(answer.job);
    if (job.empty()) return;
    const Chunk& chunk = job.mapped();
    if (!answer.sent) {
      ready_.push_front(std::move(job.mapped()));
      return;
    }
    std::size_t done = 0;
    if (!answer.failure) done = take_results(chunk, answer);
    for (; answer.failure && done < chunk.items.size(); done++) fail(chunk, done, answer.failure, answer.worker);
    if (done < chunk.items.size()) {  // they took longer than thought: the rest is for whoever is free
      ready_.push_front({chunk.first + done, part(chunk, done, chunk.items.size()), chunk.retried, chunk.failed_at, 0});
    }
  }

  // @return how many items have a result, or failed by themselves; with answer.failure, what the others failed by.
  std::size_t take_results(const Chunk& chunk, Scheduler::Answer& answer) {
    InArchive archive(answer.result);
    std::size_t count = 0, done = 0;
    const auto decode = [&answer](const auto& function) {  // what the program's own code throws passes through
      try {
        function();
      } catch (...) {
        answer.failure = std::current_exception();
      }
      return answer.failure == nullptr;
    };
    if (!decode([&] {
          count = archive.read_size(1);
          if (count == 0 || count > chunk.items.size()) throw BadMessage("a batch with results missing");
        }))
      return 0;
    for (; done < count; done++) {
      std::exception_ptr failure;
      if (!decode([&] {
            bool succeeded = false;
            archive(succeeded);
            if (succeeded)
              results_.load(archive, chunk.first + done);
            else
              failure = load_failure(archive);
          }))
        return done;
      if (failure == nullptr)
        finished();
      else
        fail(chunk, done, failure, answer.worker);
    }
    // All items have what they came for: what is wrong behind them is thrown, and ends the map.
    double seconds = 0;
    archive(seconds);
    archive.finish();
    state_->seconds = state_->seconds + seconds;
    if (adaptive_) learn(done, seconds, std::max(chunk.bytes, answer.result.byte_size()));
    return done;
  }

  void fail(const Chunk& chunk, std::size_t at, std::exception_ptr error, Pid worker) {
    const std::size_t index = chunk.first + at;
    try {
      if (results_.replace(error, chunk.items[at].get(), index)) return finished();
    } catch (...) {
      error = std::current_exception();
    }
    const bool left = chunk.retried < retry_delays_.size();
    if (!left || !retry_check_(error)) std::rethrow_exception(error);
    Chunk again{index, part(chunk, at, at + 1), chunk.retried + 1, chunk.failed_at, 0};
    again.failed_at.push_back(worker);
    retries_.emplace(deadline_after(retry_delays_[chunk.retried]), std::move(again));
  }

  static Items part(const Chunk& chunk, std::size_t begin, std::size_t end) {
    const auto first = chunk.items.begin();
    return {first + static_cast<std::ptrdiff_t>(begin), first + static_cast<std::ptrdiff_t>(end)};
  }

  void finished() {
    state_->done = ++done_;
    if (progress_) progress_(done_, source_.size);
  }

  const MapFunction function_;
  ItemSource& source_;
  ResultSink& results_;
  const bool adaptive_;           // batches get longer where items turn out to be short
  const std::size_t batch_size_;  // if it is not adaptive
  const RetryDelays retry_delays_;
  const std::function<bool(std::exception_ptr)> retry_check_;
  const Deadline deadline_;
  const std::stop_token stop_token_;
  const std::function<void(std::size_t done, std::size_t total)> progress_;
  const std::shared_ptr<MapProgress> state_;
  Scheduler scheduler_;
  std::size_t max_chunk_size_ = 1;  // that go together, as learnt
  bool exhausted_ = false;
  std::size_t pulled_ = 0, done_ = 0;
  std::uint64_t last_job_ = 0;
  std::unordered_map<std::uint64_t, Chunk> jobs_;
  std::deque<Chunk> ready_;  // to be sent again
  std::multimap<Clock::time_point, Chunk> retries_;
};

MapEngine::MapEngine(const Options& options, MapFunction function, ItemSource& source, ResultSink& results,
                     bool is_stream)
    : impl_(std::make_unique<Impl>(options, std::move(function), source, results, is_stream)) {}
MapEngine::~MapEngine() = default;
bool MapEngine::next() { return impl_->next(); }
void MapEngine::run() {
  while (impl_->next()) {
  }
}

}  // namespace cohort::detail
