#include <cohort/batch/command_driver.hpp>

#include <string.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <cohort/batch/worker_marks.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "checked_options.hpp"
#include "command_words.hpp"
#include "submission.hpp"

namespace cohort::batch {
namespace {

// Whether it has lines of its own that start the workers is seen at once; what else is in it, when it is filled in.
std::string read_template(const std::optional<std::filesystem::path>& file, const CommandDialect& table) {
  if (!file) return std::string(table.script);
  std::string text = read_small_file("template", *file);
  for (const std::string_view name : table.needed)
    if (text.find('{' + std::string(name) + '}') == text.npos)
      throw cohort::ConfigError("template: " + cohort::excerpt(file->string()) + " does not have {" +
                                std::string(name) + "} in it, without which no worker starts");
  return text;
}

template <class Words>
void append(std::vector<std::string>& words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// A command of sh that cancels by the name, with {cancel} filled in. It has succeeded also if there is no such job,
// which some schedulers call a failure.
std::string cancel_by_name(const CommandDialect& table) {
  constexpr std::string_view place = "{cancel}";
  const std::string words = shell_words(table.cancel);
  std::string command(table.cancel_by_name);
  for (auto at = command.find(place); at != command.npos; at = command.find(place, at + words.size()))
    command.replace(at, place.size(), words);
  std::string patterns;
  for (const std::string_view said : table.unknown)
    patterns += (patterns.empty() ? "" : " | ") + (said.empty() ? "''" : '*' + shell_word(said) + '*');
  return "said=$(" + command + " 2>&1) || case $said in " + patterns +
         ") ;; *) printf '%s\\n' \"$said\" >&2; false ;; esac";
}

CommandDialect with_options(CommandDialect table, const SubmitOptions& options) {
  if (!options.submit.empty()) table.submit = options.submit;
  if (!options.status.empty()) table.status = options.status;
  if (!options.cancel.empty()) table.cancel = options.cancel;
  return table;
}

}  // namespace

SubmitOptions::SubmitOptions(const cohort::Options& options)
    : partition(name_option(options, "partition")),
      account(name_option(options, "account")),
      flags(words_option(options, "flags")),
      submit(words_option(options, "submit")),
      status(words_option(options, "status")),
      cancel(words_option(options, "cancel")),
      script(path_option(options, "template")) {
  if (options.has("walltime") && options.duration("walltime") != cohort::never) walltime = options.duration("walltime");
}

CommandDriver::CommandDriver(CommandDialect table, SubmitOptions options)
    : options_(std::move(options)),
      table_(with_options(std::move(table), options_)),
      template_(read_template(options_.script, table_)),
      dialect_{table_.name, cancel_by_name(table_), table_.jobs} {}

std::string CommandDriver::script(const JobRequest& request) const {
  TemplateValues values{
      {"name", request.name},        {"jobs", std::nullopt},
      {"workers", std::nullopt},     {"partition", options_.partition},
      {"account", options_.account}, {"walltime", std::nullopt},
      {"start", std::nullopt},
  };
  if (request.jobs > 1) values["jobs"] = std::to_string(request.jobs);
  if (request.workers > 1) values["workers"] = std::to_string(request.workers);
  if (options_.walltime) values["walltime"] = time_text(*options_.walltime);
  if (!table_.workers.array_index.empty()) {
    std::string lines = worker_lines(table_.workers, request);
    lines.pop_back();  // the template has the last line end
    values["start"] = std::move(lines);
  }
  add_values(values, request);
  return fill_in(template_, values, options_.script ? cohort::excerpt(options_.script->string()) : "job script");
}

std::string CommandDriver::allocation_script(const JobRequest& request) const {
  return "#!/bin/sh\n" + worker_lines(table_.workers, request);
}

std::vector<std::string> CommandDriver::submit_command(const JobRequest& request) const {
  std::vector<std::string> words = table_.submit;
  append(words, submit_words(request));
  append(words, options_.flags);
  if (table_.script_is_argument) words.push_back(script_file(request));
  return words;
}

std::string CommandDriver::describe(const JobRequest& request) const {
  const std::string command = shell_words(submit_command(request));
  if (table_.script_is_argument)
    return "cat >" + shell_word(script_file(request)) + " <<'END'\n" + script(request) + "END\n" + command + '\n';
  return command + " <<'END'\n" + script(request) + "END\n";
}

std::vector<JobId> CommandDriver::submit(const JobRequest& request) {
  Command command{.words = submit_command(request)};
  std::string text = script(request);
  write_script(script_file(request), text);
  if (!table_.script_is_argument) command.input = std::move(text);
  const cohort::detail::MutexLock one_at_a_time(submitting_);
  const std::string printed =
      run_submission(command, [&]() COHORT_REQUIRES(submitting_) { return find_lost(request); });
  known_.insert(first_id(printed, request));
  auto ids = submitted(printed, request);
  if (ids.size() != static_cast<std::size_t>(request.jobs)) {
    JobRequest one = request;
    one.jobs = 1;
    cancel(submitted(printed, one));  // what was made in its place, if anything
    throw cohort::Error("'" + shown(command.words) + "' is to print the id of " +
                        (request.jobs == 1 ? "a job" : "an array of " + std::to_string(request.jobs) + " jobs") +
                        ", and printed: " + cohort::excerpt(printed, 500, true));
  }
  if (request.workers == 1) {
    const cohort::detail::MutexLock lock(mutex_);
    of_one_worker_.insert(ids.begin(), ids.end());
  }
  return ids;
}

// Of an array, that of the whole array.
JobId CommandDriver::first_id(const std::string& printed, JobRequest request) {
  request.jobs = 1;
  const auto ids = submitted(printed, request);
  return ids.empty() ? "" : ids[0];
}

// It is the only one that this driver does not know. If there is none, it may still come, and be met in another search.
std::string CommandDriver::find_lost(const JobRequest& request) {
  if (request.in_doubt) request.in_doubt();
  std::vector<std::string> unknown;
  try {
    for (auto& one : submissions_named(request.name))
      if (!known_.contains(first_id(one, request))) unknown.push_back(std::move(one));
  } catch (const cohort::Error&) {
    // The scheduler does not answer this either.
  }
  if (unknown.size() == 1 && !has_lost_) return unknown[0];
  has_lost_ = true;
  return "";
}

void CommandDriver::signal_worker(const JobId& job, std::string_view, int, int number) {
  const char* name = ::sigabbrev_np(number);
  {
    const cohort::detail::MutexLock lock(mutex_);
    if (table_.signal.empty() || name == nullptr || !of_one_worker_.contains(job)) return;
  }
  std::vector<std::string> words = table_.signal;
  append(words, std::vector<std::string>{name, job});
  run_for_those_known({.words = std::move(words)});
}

void CommandDriver::cancel(const std::vector<JobId>& jobs) {
  constexpr std::size_t most = 500;  // ids that one command takes
  for (std::size_t first = 0; first < jobs.size(); first += most) {
    std::vector<std::string> words = table_.cancel;
    const auto end = jobs.begin() + static_cast<std::ptrdiff_t>(std::min(jobs.size(), first + most));
    words.insert(words.end(), jobs.begin() + static_cast<std::ptrdiff_t>(first), end);
    run_for_those_known({.words = std::move(words)});
  }
}

std::string CommandDriver::end_of_worker(std::string_view output, int ospid) const {
  return end_by_marks(output, ospid);
}

std::optional<cohort::Duration> CommandDriver::remaining(const JobId& job) {
  const auto all = status({job});
  const auto found = all.find(job);
  if (found == all.end() || found->second.state != JobState::active) return std::nullopt;
  auto end = found->second.end;
  if (!end && found->second.start && options_.walltime)
    end = *found->second.start + std::chrono::duration_cast<Time::duration>(*options_.walltime);
  if (!end) return std::nullopt;
  return std::max<cohort::Duration>(cohort::Duration::zero(), *end - std::chrono::system_clock::now());
}

std::string CommandDriver::ask(std::vector<std::string> arguments,
                               std::map<std::string, std::string> environment) const {
  std::vector<std::string> words = table_.status;
  append(words, arguments);
  return run_for_those_known({.words = std::move(words), .environment = std::move(environment)});
}

std::string CommandDriver::run_for_those_known(Command command) const {
  try {
    return run(command);
  } catch (const CommandError& error) {
    const auto is_said = [&](std::string_view words) {
      return words.empty() ? error.printed().empty() : error.printed().find(words) != std::string::npos;
    };
    if (std::ranges::any_of(table_.unknown, is_said)) return error.output();
    throw;
  }
}

}  // namespace cohort::batch
