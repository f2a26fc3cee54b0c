// Workers that come by themselves: the master listens, and they dial it, wherever they were started, by
// `cohort worker --join FILE`. They may come at any time, and leave as they like.

#include <filesystem>
#include <string>
#include <utility>

#include <cohort/file_access.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/join_file.hpp>
#include <cohort/plugin.hpp>

#include "../batch/door.hpp"

namespace {

using cohort::OptionType;

constexpr cohort::Option elastic_options[] = {
    {"count", OptionType::integer, "0", "workers that must have joined before the launch is over; others may follow",
     nullptr, 0},
    {"listen", OptionType::string, nullptr,
     "where to listen for workers, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: the loopback "
     "address, any port)",
     nullptr},
    {"file", OptionType::string, "\"cohort-join.json\"",
     "the join file that is written then, of mode 0600, and removed at the end", nullptr},
};

class ElasticManager final : public cohort::ClusterManager {
 public:
  explicit ElasticManager(const cohort::Options& options)
      : count_(options.integer("count")),
        file_(std::filesystem::absolute(cohort::expand_home(options.string("file")))),
        door_(options.has("listen") ? options.string("listen") : "") {}
  ~ElasticManager() override { cohort::JoinFile::remove(file_, written_); }

  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    door_.listen(params);
    written_.reset();  // that of an earlier launch is replaced
    written_ = door_.join_file().write(file_);
    door_.open(launched, count_);
    door_.wait(params.stop);  // the core stops it in time
    if (const auto missing = door_.end_launch(); missing > 0) {
      launched.fail(std::to_string(count_ - missing) + " of " + std::to_string(count_) +
                        (count_ == 1 ? " worker" : " workers") + " joined in time; start '" + params.exename +
                        "' by: cohort worker --join " + file_.string(),
                    static_cast<int>(missing));
    }
  }

  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}

 private:
  const std::int64_t count_;
  const std::filesystem::path file_;
  cohort::batch::Door door_;
  cohort::FileDescriptor
      written_;  // the join file; open while it is in use. Of launch(), which is not called twice at once
};

}  // namespace

COHORT_CLUSTER_MANAGER("elastic", ElasticManager, "0.1.0", elastic_options)
