#include "hosts.hpp"

#include <algorithm>

#include "text.hpp"

namespace cohort::fake_scheduler {

Hosts::Hosts(int count, int cpus, std::uint64_t memory) {
  for (int i = 1; i <= count; i++) hosts_.push_back({"n" + std::to_string(i), cpus, 0, memory, 0, false});
}

std::optional<std::vector<Place>> Hosts::place(const JobSpec& spec) const { return place_on(hosts_, spec); }

bool Hosts::could_ever_place(const JobSpec& spec) const {
  auto idle = hosts_;
  for (auto& host : idle) {
    host.used = 0;
    host.used_memory = 0;
    host.down = false;
  }
  return place_on(idle, spec).has_value();
}

std::optional<std::vector<Place>> Hosts::place_on(const std::vector<Host>& hosts, const JobSpec& spec) const {
  // Each host that is used gets one task; the others are put where there is room, from the first host on.
  std::vector<Place> places;
  int left = std::max(spec.tasks, spec.nodes);
  for (const Host& host : hosts) {
    if (host.down || left == 0 || (spec.nodes > 0 && static_cast<int>(places.size()) == spec.nodes)) continue;
    if (spec.memory > 0 && host.memory - host.used_memory < spec.memory) continue;
    int room = (host.cpus - host.used) / spec.cpus_per_task;
    if (spec.tasks_per_node > 0) room = std::min(room, spec.tasks_per_node);
    const int others = spec.nodes > 0 ? spec.nodes - static_cast<int>(places.size()) - 1 : 0;
    if (spec.overcommit && room > 0) room = std::max(room, (left + others) / (others + 1));
    const int tasks = std::min(room, left - others);
    if (tasks <= 0) continue;
    places.push_back({host.name, tasks, std::min(tasks * spec.cpus_per_task, host.cpus - host.used)});
    left -= tasks;
  }
  if (left > 0 || (spec.nodes > 0 && static_cast<int>(places.size()) < spec.nodes)) return std::nullopt;
  return places;
}

void Hosts::take(const JobSpec& spec, const std::vector<Place>& places) {
  for (const Place& place : places) {
    Host* host = find(place.host);
    host->used += place.cpus;
    host->used_memory += spec.memory;
  }
}

void Hosts::give_back(const JobSpec& spec, const std::vector<Place>& places) {
  for (const Place& place : places) {
    Host* host = find(place.host);
    host->used -= place.cpus;
    host->used_memory -= spec.memory;
  }
}

Hosts::Host* Hosts::find(std::string_view name) {
  const auto found = std::ranges::find(hosts_, name, &Host::name);
  return found == hosts_.end() ? nullptr : &*found;
}

std::string compressed(const std::vector<std::string>& hosts) {
  std::vector<std::int64_t> numbers;
  for (const auto& host : hosts) numbers.push_back(number(host.substr(1)).value_or(0));
  if (numbers.empty()) return "";
  if (numbers.size() == 1) return hosts.front();
  std::ranges::sort(numbers);
  std::string text = "n[";
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) last++;
    text += (i == 0 ? "" : ",") + std::to_string(numbers[i]);
    if (last > i) text += "-" + std::to_string(numbers[last]);
    i = last + 1;
  }
  return text + "]";
}

std::vector<std::string> expanded(std::string_view hosts) {
  std::vector<std::string> names;
  while (!hosts.empty()) {
    const auto open = hosts.find('['), comma = hosts.find(',');
    const auto close = hosts.find(']');
    if (open != hosts.npos && close != hosts.npos && open < comma) {
      const std::string prefix(hosts.substr(0, open));
      const auto range = parse_range(hosts.substr(open + 1, close - open - 1));
      for (const int next : range.value_or(std::vector<int>{})) names.push_back(prefix + std::to_string(next));
      hosts.remove_prefix(close + 1);
      if (hosts.starts_with(',')) hosts.remove_prefix(1);
      continue;
    }
    if (comma != 0) names.emplace_back(hosts.substr(0, comma));
    hosts.remove_prefix(comma == hosts.npos ? hosts.size() : comma + 1);
  }
  return names;
}

}  // namespace cohort::fake_scheduler
