#include "membership/topology.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/text.hpp"
#include "membership/ident_pattern.hpp"

namespace cohort {
namespace {

using Kind = Topology::Kind;

constexpr std::array<std::pair<Kind, const char*>, 8> kind_names = {{{Kind::all_to_all, "all_to_all"},
                                                                     {Kind::master_worker, "master_worker"},
                                                                     {Kind::custom, "custom"},
                                                                     {Kind::ring, "ring"},
                                                                     {Kind::grid, "grid"},
                                                                     {Kind::torus, "torus"},
                                                                     {Kind::tree, "tree"},
                                                                     {Kind::hypercube, "hypercube"}}};

// 1 to 9999, without leading zeros.
std::optional<std::int32_t> small_number(std::string_view text) {
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.size() > 4 || text.front() == '0' || number < 1) return std::nullopt;
  return number;
}

/// Patterns of many members, most of whom have the same ones.
class ParsedPatterns {
 public:
  bool any_matches(std::span<const std::string> patterns, const std::string& ident) {
    return !ident.empty() && std::any_of(patterns.begin(), patterns.end(), [&](const std::string& text) {
      return parsed_.try_emplace(text, text).first->second.matches(ident);
    });
  }

 private:
  std::map<std::string, IdentPattern> parsed_;
};

}  // namespace

const char* topology_pattern() {
  return "^(all_to_all|master_worker|custom|ring|hypercube|tree:[1-9][0-9]{0,3}|"
         "(grid|torus)(:[1-9][0-9]{0,3}x[1-9][0-9]{0,3})?)$";
}

Topology Topology::parse(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  const bool has_numbers = name.size() < text.size();
  const std::string_view numbers = has_numbers ? text.substr(name.size() + 1) : "";
  for (const auto& [kind, kind_name] : kind_names) {
    if (name != kind_name) continue;
    Topology topology(kind);
    if (kind == Kind::tree) {
      if (const auto children = small_number(numbers)) {
        topology.children_ = *children;
        return topology;
      }
    } else if ((kind == Kind::grid || kind == Kind::torus) && has_numbers) {
      const auto times = std::min(numbers.find('x'), numbers.size());
      const auto rows = small_number(numbers.substr(0, times));
      const auto columns = small_number(numbers.substr(std::min(times + 1, numbers.size())));
      if (rows && columns) {
        topology.rows_ = *rows;
        topology.columns_ = *columns;
        return topology;
      }
    } else if (!has_numbers) {
      return topology;
    }
  }
  std::vector<std::string> names;
  for (const auto& [kind, kind_name] : kind_names) names.push_back(kind_name);
  throw ConfigError("unknown topology '" + excerpt(text) + "'" +
                    (has_numbers ? "" : detail::did_you_mean(std::string(text), names)) +
                    "; there are: all_to_all, master_worker, custom, ring, grid, grid:RxC, torus, torus:RxC, tree:K, "
                    "hypercube, with R, C and K from 1 to 9999");
}

std::string Topology::text() const {
  const auto name = std::find_if(kind_names.begin(), kind_names.end(), [&](const auto& n) { return n.first == kind_; });
  std::string text = name->second;
  if (children_ > 0) text += ":" + std::to_string(children_);
  if (rows_ > 0) text += ":" + std::to_string(rows_) + "x" + std::to_string(columns_);
  return text;
}

std::int64_t Topology::capacity() const {
  return rows_ > 0 ? std::int64_t{rows_} * columns_ : std::numeric_limits<std::int32_t>::max();
}

std::pair<std::int64_t, std::int64_t> Topology::shape(std::int64_t workers) const {
  if (rows_ > 0) return {rows_, columns_};
  std::int64_t rows = 1;
  for (std::int64_t candidate = 1; candidate * candidate <= workers; candidate++) {
    if (workers % candidate == 0) rows = candidate;
  }
  return {rows, std::max<std::int64_t>(workers / rows, 1)};
}

std::set<Pid> Topology::neighbours(Pid pid, std::span<const MemberInfo> members) const {
  std::set<Pid> found;
  const auto self =
      std::find_if(members.begin(), members.end(), [pid](const auto& member) { return member.pid == pid; });
  if (self == members.end() || pid == master_pid || kind_ == Kind::master_worker) return found;
  if (kind_ == Kind::all_to_all || kind_ == Kind::custom) {
    ParsedPatterns patterns;
    for (const auto& other : members) {
      if (other.pid == master_pid || other.pid == pid) continue;
      // Whichever of the two names the other.
      if (kind_ == Kind::all_to_all || patterns.any_matches(self->connect_idents, other.ident) ||
          patterns.any_matches(other.connect_idents, self->ident))
        found.insert(other.pid);
    }
    return found;
  }
  if (self->place < 0) return found;
  Places taken;
  for (const auto& member : members) {
    if (member.place < 0) continue;
    const auto place = static_cast<std::size_t>(member.place);
    if (place >= taken.size()) taken.resize(place + 1, no_pid);
    taken[place] = member.pid;
  }
  for (const auto place : places_beside(self->place, taken)) {
    if (place < 0 || place >= std::ssize(taken)) continue;
    const Pid other = taken[static_cast<std::size_t>(place)];
    if (other != no_pid && other != pid) found.insert(other);
  }
  return found;
}

// Some of them may be taken by nobody, or be no places at all. `place` itself is taken.
std::vector<std::int64_t> Topology::places_beside(std::int64_t place, const Places& taken) const {
  std::vector<std::int64_t> beside;
  if (kind_ == Kind::ring) {  // closed over the gaps that ended workers left
    const std::int64_t size = std::ssize(taken);
    for (const std::int64_t step : {size - 1, std::int64_t{1}}) {
      std::int64_t next = (place + step) % size;
      while (taken[static_cast<std::size_t>(next)] == no_pid) next = (next + step) % size;
      beside.push_back(next);
    }
  } else if (kind_ == Kind::hypercube) {
    for (int dimension = 0; dimension < 31; dimension++) beside.push_back(place ^ (std::int64_t{1} << dimension));
  } else if (kind_ == Kind::tree) {
    if (place > 0) beside.push_back((place - 1) / children_);
    for (std::int64_t child = 1; child <= children_; child++) beside.push_back(place * children_ + child);
  } else {
    const auto [rows, columns] = shape(std::ssize(taken));
    const std::int64_t row = place / columns, column = place % columns;
    constexpr std::pair<int, int> steps[] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    for (const auto& [down, right] : steps) {
      std::int64_t r = row + down, c = column + right;
      if (kind_ == Kind::torus) {
        r = (r + rows) % rows;
        c = (c + columns) % columns;
      }
      if (r >= 0 && r < rows && c >= 0 && c < columns) beside.push_back(r * columns + c);
    }
  }
  return beside;
}

const char* unconnected_text(bool relay) { return relay ? "relay" : "error"; }

void check_connect_idents(std::span<const std::string> patterns) {
  for (const auto& pattern : patterns) static_cast<void>(IdentPattern(pattern));
}

}  // namespace cohort
