#pragma once

// The part of a map that is compiled once, for all types of items and results. Not for programs.

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>

#include <cohort/detail/function_ref.hpp>
#include <cohort/retry.hpp>
#include <cohort/wait_options.hpp>
#include <cohort/worker_pool.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// Gives the items of a map. The map calls it on its own thread.
class ItemSource {
 public:
  explicit ItemSource(std::size_t count) : size(count) {}
  virtual ~ItemSource() = default;
  ItemSource(const ItemSource&) = delete;
  ItemSource& operator=(const ItemSource&) = delete;

  /// Returns the next item, or null at the end; it is not called again after the end.
  /// @throws the exceptions of the program's range.
  virtual std::shared_ptr<void> next() = 0;

  const std::size_t size;  ///< the number of items; 0: not known
};

/// Keeps the results of a map. The map calls it on its own thread.
class ResultSink {
 public:
  ResultSink() = default;
  virtual ~ResultSink() = default;
  ResultSink(const ResultSink&) = delete;
  ResultSink& operator=(const ResultSink&) = delete;

  /// Reads the result of item number `index` and keeps it. @throws if the result is invalid.
  virtual void load(InArchive& archive, std::size_t index) = 0;
  /// Keeps the value that the program's on_error returns for an item that failed. @return false if there is no
  /// on_error.
  /// @throws the exceptions of on_error.
  virtual bool replace(const std::exception_ptr& failure, const void* item, std::size_t index) = 0;
};

/// What an engine must know about its function and its types.
struct MapFunction {
  PortableFunction function;
  FunctionId thunk;  ///< of MapJob
  bool is_coroutine;
  void (*save_function)(OutArchive&, const void* function, FunctionKey);
  void (*save_item)(OutArchive&, const void* item);
};

/// A running map. It takes items from the source when workers become free, sends them in batches, and sends them again
/// after a failure if the program wants that. Only one thread may use it.
class MapEngine {
 public:
  /// The fields of PmapOptions; all of them are copied.
  struct Options {
    const std::size_t batch_size;
    const RetryDelays& retry_delays;
    const std::function<bool(std::exception_ptr)>& retry_check;
    const bool distributed;
    const std::optional<WorkerPool>& pool;
    const Deadline& deadline;
    const std::stop_token& stop_token;
    const std::function<void(std::size_t done, std::size_t total)>& progress;
  };

  /// @param is_stream the program takes the results one by one, and may pause between them.
  /// @param source, results must outlive the engine.
  MapEngine(const Options& options, MapFunction function, ItemSource& source, ResultSink& results,
            bool is_stream = false);
  ~MapEngine();
  MapEngine(const MapEngine&) = delete;
  MapEngine& operator=(const MapEngine&) = delete;

  /// Waits until the sink has received another result, or several. @return false if there are no more.
  /// @throws the error that ends the map.
  bool next();
  /// Waits until the sink has all results. @throws the error that ends the map.
  void run();

 private:
  class COHORT_HIDDEN Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace detail
}  // namespace cohort
