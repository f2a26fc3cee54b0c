#include <memory>

#include <cohort/pmap_options.hpp>

#include "base/progress_bar.hpp"

namespace cohort {

std::function<void(std::size_t, std::size_t)> progress_bar() {
  struct State {
    ~State() { bar.clear(); }
    ProgressBar bar{ProgressBar::Show::on_terminal};
    Clock::time_point start = Clock::now(), drawn{};
  };
  return [state = std::make_shared<State>()](std::size_t done, std::size_t total) {
    if (!state->bar.enabled()) return;
    const auto now = Clock::now();
    if (now - state->drawn < state->bar.period()) return;
    state->drawn = now;
    Progress progress{.done = done, .failed = 0, .total = {}, .elapsed = now - state->start};
    if (total > 0) progress.total = total;
    state->bar.update(progress);
  };
}

}  // namespace cohort
