#include <cohort/plugin.hpp>

namespace {

constexpr cohort::Option options[] = {
    {"nodelay", cohort::OptionType::boolean, "true", "Send small messages at once", nullptr},
};

class Nowhere final : public cohort::Transport {
 public:
  explicit Nowhere(const cohort::Options&) {}
  std::unique_ptr<cohort::Listener> listen(const std::string&) override { throw cohort::Error("nobody can listen"); }
  cohort::IoPair connect(const std::string& address, cohort::Clock::time_point) override {
    throw cohort::Error("nobody is at " + address);
  }
};

}  // namespace

COHORT_TRANSPORT("sample", Nowhere, "0.1.0", options)
