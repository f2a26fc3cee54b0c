#include <cohort/detail/map_job.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/detail/call_here.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/this_call.hpp>

#include "parallel/item_result.hpp"

namespace cohort::detail {
namespace {

class ChunkRun : public std::enable_shared_from_this<ChunkRun> {
 public:
  ChunkRun(std::size_t count, double seconds, std::function<void(std::size_t)> do_item)
      : count_(count),
        until_(Clock::now() + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds))),
        do_item_(std::move(do_item)) {}

  // @return how many were begun, and are done.
  std::size_t run() {
    const Future<void> helper = work();
    try {
      wait_for_helpers();
    } catch (...) {
      if (helper.valid()) helper.cancel();
      throw;
    }
    MutexLock lock(mutex_);
    return begun_;
  }

 private:
  Future<void> work() {
    Future<void> helper;
    try {
      for (interruption_point(); const auto i = begin_next(); interruption_point()) {
        if (!helper.valid() && *i + 1 < count_) {
          helper = call_here<void>([self = shared_from_this()] { self->work(); });
        }
        do_item_(*i);
        end_one();
      }
    } catch (...) {  // called off
      close();
      if (helper.valid()) helper.cancel();
      throw;
    }
    return helper;
  }

  std::optional<std::size_t> begin_next() {
    MutexLock lock(mutex_);
    const bool may_answer = begun_ > 0 && done_ == begun_;
    if (begun_ == count_ || (may_answer && Clock::now() >= until_)) closed_ = true;
    return closed_ ? std::nullopt : std::optional(begun_++);
  }

  void end_one() {
    MutexLock lock(mutex_);
    if (++done_ == begun_ && closed_ && all_done_.valid()) all_done_.put();
  }

  void close() {
    MutexLock lock(mutex_);
    closed_ = true;
  }

  void wait_for_helpers() {
    Future<void> all_done;
    {
      MutexLock lock(mutex_);
      if (done_ == begun_) return;
      all_done_ = all_done = Future<void>(myid());
    }
    all_done.wait();
  }

  const std::size_t count_;
  const Clock::time_point until_;
  const std::function<void(std::size_t)> do_item_;
  Mutex mutex_;
  std::size_t begun_ COHORT_GUARDED_BY(mutex_) = 0;
  std::size_t done_ COHORT_GUARDED_BY(mutex_) = 0;
  bool closed_ COHORT_GUARDED_BY(mutex_) = false;    // nothing is begun any more
  Future<void> all_done_ COHORT_GUARDED_BY(mutex_);  // valid: somebody waits for it
};

// Does items that are expected to be short, beginning with the first. After `seconds`, no further item is begun. While
// one item waits, a helper thread does the items after it, so that an item may wait for a later one, as if each had
// been sent alone. If a worker has several threads, they share the items.
// @param do_item is called once with the number of each item; on several threads, which may outlive this call if it
// throws. @return the number of items that were done; these are the first ones. @throws InterruptedException
std::size_t do_short_items(std::size_t count, double seconds, std::function<void(std::size_t)> do_item) {
  return std::make_shared<ChunkRun>(count, seconds, std::move(do_item))->run();
}

// An item and its outcome belong to the thread that does it.
struct Batch {
  std::shared_ptr<const void> function;
  std::vector<std::shared_ptr<void>> items;
  double seconds = -1;  // after so many no further item is begun; negative: the user has chosen the batch
  struct ItemResult {
    std::shared_ptr<const void> value;
    std::exception_ptr failure;  // null: there is a value
  };
  std::vector<ItemResult> results;

  Batch(InArchive& archive, const MapJobTypes& types) : function(types.load_function(archive)) {
    const std::uint64_t count = archive.read_size(1);
    for (std::uint64_t i = 0; i < count; i++) items.push_back(types.load_item(archive));
    archive(seconds);
    archive.finish();
    results.resize(items.size());
  }

  template <class Call>
  void set_result(std::size_t i, const Call& call) {
    try {
      results[i].value = call();
    } catch (...) {
      results[i].failure = current_as_remote();  // now: the stack of the throw is remembered until the next one
    }
  }
};

// Does all items, one after the other.
void do_in_order(Batch& batch, const MapJobTypes& types) {
  for (std::size_t i = 0; i < batch.items.size(); i++) {
    interruption_point();
    batch.set_result(i, [&] { return types.call(batch.function, batch.items[i].get()); });
  }
}

void do_short(const std::shared_ptr<Batch>& batch, const MapJobTypes& types) {
  const std::size_t done = do_short_items(batch->items.size(), batch->seconds, [batch, &types](std::size_t i) {
    batch->set_result(i, [&] { return types.call(batch->function, batch->items[i].get()); });
  });
  batch->results.resize(done);
}

// Runs coroutines concurrently.
void do_coroutines(Batch& batch, const MapJobTypes& types) {
  std::vector<FuturePtr> under_way;
  for (const auto& item : batch.items) under_way.push_back(types.start(batch.function, item.get()));
  for (std::size_t i = 0; i < under_way.size(); i++)
    batch.set_result(i, [&] { return future_object(*under_way[i], types.decoder); });
}

}  // namespace

void run_map_job(InArchive& arguments, Payload& result, const MapJobTypes& types) {
  const auto batch = std::make_shared<Batch>(arguments, types);
  const auto begin = Clock::now();
  if (types.start != nullptr)
    do_coroutines(*batch, types);
  else if (batch->seconds < 0 || batch->items.size() < 2)
    do_in_order(*batch, types);
  else
    do_short(batch, types);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();

  OutArchive archive(result, batch);
  archive.write_size(batch->results.size());
  for (const auto& item : batch->results) {
    archive(item.failure == nullptr);
    if (item.failure == nullptr)
      types.save_result(archive, item.value.get());
    else
      save_failure(archive, item.failure);
  }
  archive(seconds);
}

std::shared_ptr<void> nothing() {
  static Nothing object;
  return {std::shared_ptr<void>(), &object};
}

}  // namespace cohort::detail
