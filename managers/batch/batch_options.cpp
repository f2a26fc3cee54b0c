#include "batch_options.hpp"

#include <cohort/batch/job_script.hpp>
#include <cohort/error.hpp>

#include "checked_options.hpp"

namespace cohort::batch {

namespace {

JobShape shape_of(const std::string& name) {
  return name == "array" ? JobShape::array : name == "each" ? JobShape::each : JobShape::one;
}

}  // namespace

BatchOptions::BatchOptions(const cohort::Options& options, JobShape usual)
    : jobs(options.has("jobs") ? shape_of(options.string("jobs")) : usual),
      queue(options.has("queue") ? options.duration("queue") : cohort::never),
      listen(text_option(options, "listen")),
      tunnel(text_option(options, "tunnel")),
      files(path_option(options, "files").value()),
      env(options.env("env")),
      respawn(options.has("respawn") && options.boolean("respawn")),
      idle(options.has("idle") ? options.duration("idle") : cohort::never),
      dry_run(options.boolean("dry_run")) {
  if (options.has("count")) count = options.integer("count");
  if (options.has("launch")) launch = options.duration("launch");
  if (options.has("walltime")) walltime = options.duration("walltime");
  if (options.has("drain")) drain = options.duration("drain");
  if (options.has("max")) max = options.integer("max");
  if (max && count && *max < *count)
    throw cohort::ConfigError("max: " + std::to_string(*max) + " workers are fewer than count, which is " +
                              std::to_string(*count));
  static_cast<void>(shell_environment(env));  // refuses what is no name of a variable
}

}  // namespace cohort::batch
