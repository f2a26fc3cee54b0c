#include <algorithm>
#include <string>

#include <cohort/darray.hpp>

namespace cohort::detail {

std::vector<Pid> choose_copies(const std::vector<Pid>& owners) {
  std::vector<Pid> candidates = owners;
  std::ranges::sort(candidates);
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  std::erase_if(candidates, [](Pid pid) { return !is_alive(pid); });
  if (candidates.size() < 2) {
    candidates = workers();
    if (candidates.size() < 2) candidates = procs();
  }
  std::vector<Pid> copies;
  for (const Pid owner : owners) {
    auto next = std::ranges::upper_bound(candidates, owner);
    if (next == candidates.end()) next = candidates.begin();
    copies.push_back(next == candidates.end() || *next == owner ? no_pid : *next);
  }
  return copies;
}

void fail_no_memory(const std::string& box, std::size_t elements, std::size_t element_size) {
  throw Error("process " + std::to_string(myid()) + " has no memory for the part " + box + " of a DArray: " +
                  std::to_string(elements) + " elements of " + std::to_string(element_size) + " bytes",
              ErrorKind::overloaded);
}

void check_copies(const std::vector<Pid>& copies) {
  if (std::ranges::find(copies, no_pid) != copies.end())
    throw Error("a DArray with copies needs two processes, and there is one");
}

std::vector<Pid> default_pids(std::span<const std::size_t> extents) {
  auto pids = workers();
  if (pids.empty()) pids = {myid()};
  if (!extents.empty())
    pids.resize(std::min(pids.size(), std::max<std::size_t>(1, *std::ranges::max_element(extents))));
  return pids;
}

void check_darray_options(const std::vector<Pid>& pids, int copies, std::size_t cuts, std::size_t dimensions) {
  if (cuts > dimensions)
    throw Error("there are cuts of " + std::to_string(cuts) + " dimensions for a DArray of " +
                std::to_string(dimensions));
  if (copies != 0 && copies != 1) throw Error("a DArray has 0 or 1 copies of each part, not " + std::to_string(copies));
  for (const Pid pid : pids)
    if (!is_alive(pid))
      throw Error("a DArray cannot have a part in process " + std::to_string(pid) + ": there is none");
}

}  // namespace cohort::detail
