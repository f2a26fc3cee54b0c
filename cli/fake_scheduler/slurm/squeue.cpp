#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "../options.hpp"
#include "../text.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "submission.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

using enum OptionRule::Value;

constexpr OptionRule queue_rules[] = {
    {'A', "account"},       {'a', "all", none}, {'h', "noheader", none}, {'j', "jobs"},      {'l', "long", none},
    {'n', "name"},          {'o', "format"},    {'O', "Format"},         {'p', "partition"}, {'q', "qos"},
    {'r', "array", none},   {'S', "sort"},      {'s', "steps"},          {'t', "states"},    {'u', "user"},
    {'v', "verbose", none}, {'w', "nodelist"},  {0, "me", none},         {0, "start", none}, {'M', "clusters"},
};

constexpr State states[] = {State::pending,   State::running, State::completing,    State::completed, State::failed,
                            State::cancelled, State::timeout, State::out_of_memory, State::node_fail, State::preempted};

// A line of the answer: a job, or the parts of an array that all wait for the same.
struct Line {
  const Job* job;
  JobStatus status;
  std::vector<int> parts;  // of the array
};

struct Context {
  std::string time_format;
  Time now;
};

std::string time_of(std::optional<Time> time, const Context& context) {
  if (!time) return "N/A";
  const bool standard = context.time_format.empty() || context.time_format == "standard";
  return standard ? date_text(*time) : date_text(*time, context.time_format.c_str());
}

std::string parts_text(const std::vector<int>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size();) {
    std::size_t last = i;
    while (last + 1 < parts.size() && parts[last + 1] == parts[last] + 1) last++;
    text += (i == 0 ? "" : ",") + std::to_string(parts[i]);
    if (last > i) text += "-" + std::to_string(parts[last]);
    i = last + 1;
  }
  return text;
}

std::string shown_id(const Line& line) {
  const Job& job = *line.job;
  if (job.part.array == 0) return std::to_string(job.number);
  const std::string parts = parts_text(line.parts);
  return std::to_string(job.part.array) + "_" +
         (line.status.state == State::pending && line.parts.size() > 1 ? "[" + parts + "]" : parts);
}

std::string hosts_or_reason(const Line& line) {
  if (!line.status.places.empty()) return host_list(line.status.places);
  return "(" + line.status.reason + ")";
}

Milliseconds time_used(const Line& line, const Context& context) {
  const auto& [state, reason, code, places, start, end] = line.status;
  if (!start || places.empty()) return Milliseconds(0);
  return std::chrono::duration_cast<Milliseconds>(end.value_or(context.now) - *start);
}

std::optional<Time> expected_end(const Line& line) {
  const auto seconds = end_time(*line.job, line.status);
  if (seconds == 0) return std::nullopt;
  return Time(std::chrono::seconds(seconds));
}

int count_of(const Line& line, int Place::*count, int expected) {
  int sum = 0;
  for (const auto& place : line.status.places) sum += place.*count;
  return sum > 0 ? sum : expected;
}

struct Field {
  char letter;                 // of --format; 0: none
  std::string_view long_name;  // of --Format, in small letters
  std::string_view header;
  std::string (*text)(const Line&, const Context&);
};

std::string limit_text(const Line& line) {
  return line.job->spec->walltime ? time_text(*line.job->spec->walltime) : "UNLIMITED";
}

constexpr Field fields[] = {
    {'i', "jobarrayid", "JOBID", [](const Line& line, const Context&) { return shown_id(line); }},
    {'A', "jobid", "JOBID", [](const Line& line, const Context&) { return std::to_string(line.job->number); }},
    {'F', "arrayjobid", "ARRAY_JOB_ID",
     [](const Line& line, const Context&) {
       return std::to_string(line.job->part.array != 0 ? line.job->part.array : line.job->number);
     }},
    {'K', "arraytaskid", "ARRAY_TASK_ID",
     [](const Line& line, const Context&) {
       return line.job->part.array == 0 ? std::string("N/A") : parts_text(line.parts);
     }},
    {'P', "partition", "PARTITION", [](const Line& line, const Context&) { return line.job->spec->queue; }},
    {'j', "name", "NAME", [](const Line& line, const Context&) { return line.job->spec->name; }},
    {'u', "username", "USER", [](const Line& line, const Context&) { return line.job->spec->user; }},
    {'a', "account", "ACCOUNT",
     [](const Line& line, const Context&) {
       return line.job->spec->account.empty() ? std::string("(null)") : line.job->spec->account;
     }},
    {'t', "statecompact", "ST",
     [](const Line& line, const Context&) { return std::string(state_code(line.status.state)); }},
    {'T', "state", "STATE",
     [](const Line& line, const Context&) { return std::string(state_name(line.status.state)); }},
    {'r', "reason", "REASON", [](const Line& line, const Context&) { return line.status.reason; }},
    {'R', "reasonlist", "NODELIST(REASON)", [](const Line& line, const Context&) { return hosts_or_reason(line); }},
    {'N', "nodelist", "NODELIST", [](const Line& line, const Context&) { return host_list(line.status.places); }},
    {'B', "batchhost", "EXEC_HOST",
     [](const Line& line, const Context&) {
       return line.status.places.empty() ? std::string("n/a") : line.status.places.front().host;
     }},
    {'D', "numnodes", "NODES",
     [](const Line& line, const Context&) {
       const auto places = line.status.places.size();
       return std::to_string(places > 0 ? static_cast<int>(places) : std::max(line.job->spec->nodes, 1));
     }},
    {'C', "numcpus", "CPUS",
     [](const Line& line, const Context&) {
       const JobSpec& spec = *line.job->spec;
       return std::to_string(count_of(line, &Place::cpus, spec.tasks * spec.cpus_per_task));
     }},
    {0, "numtasks", "TASKS",
     [](const Line& line, const Context&) {
       return std::to_string(count_of(line, &Place::tasks, line.job->spec->tasks));
     }},
    {'M', "timeused", "TIME",
     [](const Line& line, const Context& context) { return time_text(time_used(line, context)); }},
    {'l', "timelimit", "TIME_LIMIT", [](const Line& line, const Context&) { return limit_text(line); }},
    {'L', "timeleft", "TIME_LEFT",
     [](const Line& line, const Context& context) {
       if (!line.job->spec->walltime) return std::string("UNLIMITED");
       return time_text(*line.job->spec->walltime - time_used(line, context));
     }},
    {'S', "starttime", "START_TIME",
     [](const Line& line, const Context& context) { return time_of(line.status.start, context); }},
    {'e', "endtime", "END_TIME",
     [](const Line& line, const Context& context) { return time_of(expected_end(line), context); }},
    {'V', "submittime", "SUBMIT_TIME",
     [](const Line& line, const Context& context) { return time_of(line.job->submitted, context); }},
    {0, "exit_code", "EXIT_CODE",
     [](const Line& line, const Context&) { return std::to_string(line.status.wait_status); }},
    {0, "restartcnt", "RESTART_COUNT",
     [](const Line& line, const Context&) { return std::to_string(line.job->restarts); }},
    {'Z', "workdir", "WORK_DIR", [](const Line& line, const Context&) { return line.job->spec->dir; }},
    {'o', "command", "COMMAND", [](const Line&, const Context&) { return std::string("(null)"); }},
};

std::string lower(std::string_view text) {
  std::string small;
  for (const char c : text) small += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return small;
}

// A column: what stands before it, and how wide it is.
struct Column {
  std::string before;
  const Field* field = nullptr;  // null: the text before it is all
  std::size_t width = 0;         // 0: as wide as it is
  bool right = false;
  std::string behind;

  std::string shown(const std::string& text) const {
    const std::string cut = width == 0 ? text : text.substr(0, width);
    return before + (right ? right_aligned(cut, width) : left_aligned(cut, width)) + behind;
  }
};

// "%.18i %j", and "%all".
std::vector<Column> columns_of_format(std::string_view format) {
  std::vector<Column> columns;
  Column column;
  for (std::size_t i = 0; i < format.size(); i++) {
    if (format[i] != '%') {
      column.before += format[i];
      continue;
    }
    if (format.substr(i + 1).starts_with("all")) {
      for (const Field& field : fields) columns.push_back({column.before, &field, 0, false, "|"});
      column = {};
      i += 3;
      continue;
    }
    if (++i < format.size() && format[i] == '.') {
      column.right = true;
      i++;
    }
    for (; i < format.size() && format[i] >= '0' && format[i] <= '9' && column.width < 10'000; i++)
      column.width = column.width * 10 + static_cast<std::size_t>(format[i] - '0');
    const auto field = std::ranges::find(fields, i < format.size() ? format[i] : '\0', &Field::letter);
    if (field != std::end(fields) && field->letter != 0) column.field = &*field;
    columns.push_back(std::exchange(column, {}));
  }
  if (!column.before.empty()) columns.push_back(column);
  return columns;
}

// "JobID:|,State:.10,Name". An unknown name is an error.
std::vector<Column> columns_of_long_format(std::string_view format, std::string& errors) {
  std::vector<Column> columns;
  for (const std::string_view part : split(format, ',')) {
    const auto colon = part.find(':');
    const auto field = std::ranges::find(fields, lower(part.substr(0, colon)), &Field::long_name);
    if (field == std::end(fields)) {
      errors += "squeue: error: Invalid job format specification: " + std::string(part.substr(0, colon)) + "\n";
      continue;
    }
    Column column{"", &*field, colon == part.npos ? 20u : 0u, false, ""};
    auto how = colon == part.npos ? std::string_view() : part.substr(colon + 1);
    if (how.starts_with('.')) {
      column.right = true;
      how.remove_prefix(1);
    }
    const auto digits = std::min(how.find_first_not_of("0123456789"), how.size());
    column.width = colon == part.npos ? 20 : static_cast<std::size_t>(number(how.substr(0, digits)).value_or(0));
    column.behind = how.substr(digits);
    columns.push_back(std::move(column));
  }
  return columns;
}

std::set<std::string> set_of(std::string_view list) {
  std::set<std::string> all;
  for (const auto part : split(list, ',')) all.emplace(part);
  return all;
}

struct Wish {
  bool header = true, single_parts = false;
  std::optional<std::set<std::string>> names, users, queues, jobs;
  std::set<State> states{State::pending, State::running, State::completing};
  std::vector<Column> columns = columns_of_format("%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R");
};

std::optional<Answer> read_states(std::string_view list, std::set<State>& wanted) {
  wanted.clear();
  for (const std::string_view name : split(list, ',')) {
    const auto is_it = [small = lower(name)](State state) {
      return small == "all" || small == lower(state_name(state)) || small == lower(state_code(state));
    };
    for (const State state : states)
      if (is_it(state)) wanted.insert(state);
    if (std::ranges::any_of(states, is_it)) continue;
    return Answer{"", "squeue: error: Invalid job state specified: " + std::string(name) + "\n", 1};
  }
  return std::nullopt;
}

std::vector<Line> lines_of(const std::vector<JobView>& views, const Wish& wish) {
  std::vector<Line> lines;
  for (const auto& [job, status] : views) {
    const JobSpec& spec = *job->spec;
    if (!wish.states.contains(status.state)) continue;
    if (wish.names && !wish.names->contains(spec.name)) continue;
    if (wish.users && !wish.users->contains(spec.user)) continue;
    if (wish.queues && !wish.queues->contains(spec.queue)) continue;
    Line line{job, status, {job->part.task}};
    if (wish.jobs && !wish.jobs->contains(std::to_string(job->number)) && !wish.jobs->contains(shown_id(line)) &&
        !wish.jobs->contains(std::to_string(job->part.array)))
      continue;
    if (!wish.single_parts && !lines.empty() && job->part.array != 0 && status.state == State::pending) {
      Line& before = lines.back();
      if (before.job->part.array == job->part.array && before.status == status) {
        before.parts.push_back(job->part.task);
        continue;
      }
    }
    lines.push_back(std::move(line));
  }
  std::ranges::stable_sort(lines, [](const Line& left, const Line& right) {
    if (left.job->spec->queue != right.job->spec->queue) return left.job->spec->queue < right.job->spec->queue;
    return state_name(left.status.state) < state_name(right.status.state);
  });
  return lines;
}

}  // namespace

Answer squeue(const std::vector<std::string>& arguments, const std::vector<JobView>& views,
              const std::string& time_format, Time now) {
  const auto given = read_options(arguments, queue_rules, true);
  if (!given.error.empty()) return {"", "squeue: " + given.error + "\nTry \"squeue --help\" for more information\n", 1};
  Wish wish;
  Answer answer;
  for (const auto& [name, value] : given.options) {
    if (name == "noheader") wish.header = false;
    if (name == "array") wish.single_parts = true;
    if (name == "name") wish.names = set_of(value);
    if (name == "user") wish.users = set_of(value);
    if (name == "partition") wish.queues = set_of(value);
    if (name == "jobs" && !value.empty()) wish.jobs = set_of(value);
    if (name == "format") wish.columns = columns_of_format(value);
    if (name == "Format") wish.columns = columns_of_long_format(value, answer.err);
    if (name == "states")
      if (auto refused = read_states(value, wish.states)) return *refused;
  }
  // A list of jobs may have unknown ones, but one alone is an error.
  if (wish.jobs && wish.jobs->size() == 1) {
    const bool known = std::ranges::any_of(views, [&](const JobView& view) {
      const Line line{view.job, view.status, {view.job->part.task}};
      return wish.jobs->contains(std::to_string(view.job->number)) || wish.jobs->contains(shown_id(line)) ||
             wish.jobs->contains(std::to_string(view.job->part.array));
    });
    if (!known) return {"", "slurm_load_jobs error: Invalid job id specified\n", 1};
  }
  const auto add_line = [&](const std::function<std::string(const Field&)>& text) {
    for (const Column& column : wish.columns)
      answer.out += column.shown(column.field == nullptr ? "" : text(*column.field));
    answer.out += '\n';
  };
  if (wish.header) add_line([](const Field& field) { return std::string(field.header); });
  const Context context{time_format, now};
  for (const Line& line : lines_of(views, wish))
    add_line([&](const Field& field) { return field.text(line, context); });
  return answer;
}

}  // namespace cohort::fake_scheduler::slurm
