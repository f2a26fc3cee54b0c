// Connections within one process, in memory: for tests, and for several nodes in one program.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cohort/accept_queue.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/plugin.hpp>

namespace {

using cohort::AcceptQueue;
using cohort::Error;
using cohort::ErrorKind;
using cohort::IoPair;

constexpr cohort::Option inproc_options[] = {
    {"capacity", cohort::OptionType::size, "\"1MiB\"", "bytes that a connection holds, each way, before writers wait",
     nullptr},
};

constexpr std::string_view scheme = "inproc:";

// The listeners of this process by name.
class Names {
 public:
  static Names& instance() {
    static auto* names = new Names;  // listeners may outlive static objects
    return *names;
  }

  std::string add(std::string name, std::shared_ptr<AcceptQueue<>> waiting) {
    const cohort::detail::MutexLock lock(mutex_);
    while (name.empty() || (name.starts_with('#') && listeners_.contains(name))) name = '#' + std::to_string(++last_);
    if (!listeners_.emplace(name, std::move(waiting)).second)
      throw Error("cannot listen at inproc:" + name + ": the name is taken");
    return name;
  }
  void remove(const std::string& name) {
    const cohort::detail::MutexLock lock(mutex_);
    listeners_.erase(name);
  }
  std::shared_ptr<AcceptQueue<>> find(const std::string& name) {
    const cohort::detail::MutexLock lock(mutex_);
    const auto found = listeners_.find(name);
    return found == listeners_.end() ? nullptr : found->second;
  }

 private:
  cohort::detail::Mutex mutex_;
  std::map<std::string, std::shared_ptr<AcceptQueue<>>> listeners_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t last_ COHORT_GUARDED_BY(mutex_) = 0;
};

class InprocListener final : public cohort::Listener {
 public:
  explicit InprocListener(std::string name) : name_(Names::instance().add(std::move(name), waiting_)) {}
  ~InprocListener() override {
    Names::instance().remove(name_);
    waiting_->close();
  }

  std::string address() const override { return std::string(scheme) + name_; }
  std::optional<IoPair> accept() override { return waiting_->take(); }
  void on_acceptable(std::function<void()> ready) override { waiting_->on_acceptable(std::move(ready)); }

 private:
  const std::shared_ptr<AcceptQueue<>> waiting_ = std::make_shared<AcceptQueue<>>();
  const std::string name_;
};

class InprocTransport final : public cohort::Transport {
 public:
  explicit InprocTransport(const cohort::Options& options) : capacity_(options.size("capacity")) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    std::string name = bind.starts_with(scheme) ? bind.substr(scheme.size()) : bind;
    const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!printable || name.size() > 100 || name.starts_with('#'))
      throw cohort::ConfigError("cannot listen at '" + cohort::excerpt(bind) +
                                "': a name has up to 100 letters, digits or signs");
    return std::make_unique<InprocListener>(std::move(name));
  }

  IoPair connect(const std::string& address, cohort::Clock::time_point) override {
    const std::string what = "cannot connect to " + cohort::excerpt(address) + ": ";
    if (!address.starts_with(scheme)) throw Error(what + "the address must be inproc:name");
    const auto listener = Names::instance().find(address.substr(scheme.size()));
    if (listener == nullptr)
      throw Error(what +
                      "no listener of this process has that name, and inproc connects within one process only: workers "
                      "that are processes need another transport",
                  ErrorKind::disconnected);
    auto [near, far] = cohort::make_buffer_pair(capacity_);
    if (!listener->add(std::move(far)))
      throw Error(what + "the listener is gone, or takes no connections in time", ErrorKind::disconnected);
    return std::move(near);
  }

 private:
  const std::size_t capacity_;
};

}  // namespace

COHORT_TRANSPORT("inproc", InprocTransport, "0.1.0", inproc_options)
