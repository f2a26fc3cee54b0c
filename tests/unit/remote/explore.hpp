#pragma once

#include <cstddef>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

namespace cohort::test {

/// The content of a state, byte by byte: two states with the same key are the same.
class Key {
 public:
  Key() { text_.reserve(200); }
  template <class... T>
  void add(T... values) {
    (text_.push_back(static_cast<char>(values)), ...);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

/// What a walk through all orders of steps found.
struct Explored {
  std::size_t states = 0;
  std::size_t ends = 0;            ///< states without a next step
  std::string fault;               ///< of the first state that is wrong; empty: there is none
  std::vector<std::string> trace;  ///< the steps that led to it
};

/// Visits every state that can be reached from `start`, depth first, until one is wrong. A World is a value with
///   std::size_t choices() const;             how many steps can be next
///   void take(std::size_t);                  lets one of them happen
///   std::string name(std::size_t) const;     says which it is
///   std::string key() const;                 see Key
///   std::string fault() const;               what is wrong, or ""
///   std::string fault_at_end() const;        the same, where no step can be next
template <class World>
Explored explore(const World& start) {
  struct Level {
    World world;
    std::size_t choices, next;
  };
  Explored result;
  std::unordered_set<std::string> seen{start.key()};
  std::vector<Level> path;
  const auto enter = [&](World world) {
    result.states++;
    result.fault = world.fault();
    const std::size_t choices = world.choices();
    if (choices == 0) {
      result.ends++;
      if (result.fault.empty()) result.fault = world.fault_at_end();
    }
    path.push_back({std::move(world), choices, 0});
  };
  enter(start);
  while (!path.empty() && result.fault.empty()) {
    Level& level = path.back();
    if (level.next == level.choices) {
      path.pop_back();
      continue;
    }
    World following = level.world;
    following.take(level.next++);
    if (seen.insert(following.key()).second) enter(std::move(following));
  }
  if (!result.fault.empty()) {
    path.pop_back();
    for (const auto& level : path) result.trace.push_back(level.world.name(level.next - 1));
  }
  return result;
}

/// The same for a World of real objects, which cannot be copied: every state is made again, by `make()` and the steps
/// that lead to it.
template <class Make>
Explored explore_by_replay(Make make) {
  struct Level {
    std::size_t choices, next;
  };
  Explored result;
  std::unordered_set<std::string> seen;
  std::vector<Level> path;
  const auto look = [&] {
    auto world = make();
    result.trace.clear();
    for (const auto& level : path) {
      result.trace.push_back(world->name(level.next - 1));
      world->take(level.next - 1);
    }
    if (!seen.insert(world->key()).second) return;
    result.states++;
    result.fault = world->fault();
    const std::size_t choices = world->choices();
    if (choices == 0) {
      result.ends++;
      if (result.fault.empty()) result.fault = world->fault_at_end();
    }
    path.push_back({choices, 0});
  };
  look();
  while (!path.empty() && result.fault.empty()) {
    if (path.back().next == path.back().choices) {
      path.pop_back();
      continue;
    }
    path.back().next++;
    look();
  }
  return result;
}

inline std::string text_of(const Explored& found) {
  std::string text = found.fault + ", after\n";
  for (const auto& step : found.trace) text += "  " + step + "\n";
  return text;
}

}  // namespace cohort::test
