#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/darray.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

/// Puts NaNs at the end, so that it is an order.
struct Ascending {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    if constexpr (std::is_floating_point_v<T>) {
      if (b != b) return a == a;
    }
    return a < b;
  }
};

template <class T, template <class, std::size_t> class Part, class Less>
struct SortedPart {
  [[no_unique_address]] Portable<Less> less;
  NdArray<T, 1> operator()(const ArrayHead<1>& head, std::size_t place, std::uint64_t& moved,
                           const DArray<T, 1, Part>& source) {
    auto values = get_region<T, 1, Part>(*source.checked()->head(), head.region(place), &moved);
    std::sort(values.begin(), values.end(), less.function);
    return values;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(less);
  }
};

/// Elements at equal distances in the sorted part: every process takes so many.
template <class T, template <class, std::size_t> class Part>
struct SampleOfPart {
  std::vector<T> operator()(const ArrayHead<1>& head, std::size_t place, std::size_t wanted) const {
    const auto part = part_here<NdArray<T, 1>, 1>(head.id, place);
    std::vector<T> sample;
    const std::size_t size = part->values.size();
    for (std::size_t i = 0; i < wanted && size != 0; i++) sample.push_back(part->values[(i * size) / wanted]);
    return sample;
  }
};

/// How many elements of the sorted part are before each splitter.
template <class T, class Less>
struct PlacesOfSplitters {
  [[no_unique_address]] Portable<Less> less;
  std::vector<std::size_t> operator()(const ArrayHead<1>& head, std::size_t place, const std::vector<T>& splitters) {
    const auto part = part_here<NdArray<T, 1>, 1>(head.id, place);
    std::vector<std::size_t> places;
    for (const T& splitter : splitters)
      places.push_back(static_cast<std::size_t>(
          std::lower_bound(part->values.begin(), part->values.end(), splitter, less.function) - part->values.begin()));
    return places;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(less);
  }
};

/// Fetches from each sorted part what is between two splitters, and merges it.
template <class T, class Less>
struct MergedPart {
  [[no_unique_address]] Portable<Less> less;
  /// @param bounds of each part: from where to where each place of the result takes
  NdArray<T, 1> operator()(const ArrayHead<1>&, std::size_t place, std::uint64_t& moved,
                           const std::vector<std::vector<std::size_t>>& bounds, const DArray<T, 1>& sorted) {
    const auto head = sorted.checked()->head();
    Region<1> wanted;
    std::vector<std::size_t> ends;  // of the sorted runs in what is fetched
    std::size_t size = 0;
    for (std::size_t part = 0; part < bounds.size(); part++) {
      const std::size_t before = head->dimensions[0].cuts[part];
      const std::size_t begin = before + bounds[part][place], end = before + bounds[part][place + 1];
      if (begin == end) continue;
      auto& runs = wanted.dimensions[0];
      if (!runs.empty() && runs.back().end == begin)
        runs.back().end = end;
      else
        runs.push_back({begin, end});
      ends.push_back(size += end - begin);
    }
    if (size == 0) return {};
    auto values = get_region<T, 1, NdArray>(*head, wanted, &moved);
    // In pairs, so that each element is moved about log2(parts) times.
    for (std::size_t step = 1; step < ends.size(); step *= 2)
      for (std::size_t i = 0; i + step < ends.size(); i += 2 * step) {
        const std::size_t begin = i == 0 ? 0 : ends[i - 1], middle = ends[i + step - 1],
                          end = ends[std::min(i + 2 * step, ends.size()) - 1];
        std::inplace_merge(values.begin() + begin, values.begin() + middle, values.begin() + end, less.function);
      }
    return values;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(less);
  }
};

/// Of sorted samples: the elements that cut them into `parts` equal pieces.
template <class T, class Less>
std::vector<T> choose_splitters(std::vector<std::vector<T>> samples, std::size_t parts, Less& less) {
  std::vector<T> all;
  for (auto& sample : samples) std::move(sample.begin(), sample.end(), std::back_inserter(all));
  std::sort(all.begin(), all.end(), less);
  std::vector<T> splitters;
  for (std::size_t i = 1; i < parts && !all.empty(); i++) splitters.push_back(all[i * all.size() / parts]);
  return splitters;
}

}  // namespace detail

/// The elements in order, in an array of its own over the same processes; NaNs at the end. The lengths of the parts are
/// only about equal: they are chosen from a sample. Elements that are equal are in one part, in no particular order.
template <class T, template <class, std::size_t> class Part, class Less = detail::Ascending>
DArray<T, 1> sort(const DArray<T, 1, Part>& a, Less less = {}) {
  Repair repair{};
  const auto head = detail::with_blocks(detail::head_for(a, &repair));
  const DArray<T, 1> sorted = detail::make_with_head<T, 1, NdArray>(
      head, repair, detail::SortedPart<T, Part, Less>{{less}}, detail::uncounted(a));
  const std::size_t parts = head.places();
  if (parts == 1) return sorted;
  const auto splitters = detail::choose_splitters(
      detail::on_each_place(*detail::usable_head(sorted.checked()), detail::SampleOfPart<T, NdArray>(), 32 * parts),
      parts, less);
  auto bounds = detail::on_each_place(*detail::usable_head(sorted.checked()),
                                      detail::PlacesOfSplitters<T, Less>{{less}}, splitters);
  detail::DimensionLayout layout{.extent = a.size(), .places = parts, .block = 0, .cuts = {0}};
  for (std::size_t part = 0; part < parts; part++) {
    bounds[part].resize(parts - 1);  // without samples there are no elements
    bounds[part].insert(bounds[part].begin(), 0);
    const auto& cuts = head.dimensions[0].cuts;
    bounds[part].push_back(cuts[part + 1] - cuts[part]);
    // They ascend, but for a `less` that is no order.
    for (std::size_t i = 1; i <= parts; i++) bounds[part][i] = std::max(bounds[part][i], bounds[part][i - 1]);
  }
  for (std::size_t place = 0; place < parts; place++) {
    std::size_t length = 0;
    for (const auto& part : bounds) length += part[place + 1] - part[place];
    layout.cuts.push_back(layout.cuts.back() + length);
  }
  detail::ArrayHead<1> result = head;
  result.id = detail::UniqueId::make();
  result.dimensions[0] = std::move(layout);
  return detail::make_with_head<T, 1, NdArray>(std::move(result), repair, detail::MergedPart<T, Less>{{less}}, bounds,
                                               detail::uncounted(sorted));
}
template <class T, class Less = detail::Ascending>
NdArray<T, 1> sort(NdArray<T, 1> a, Less less = {}) {
  std::sort(a.begin(), a.end(), less);
  return a;
}

}  // namespace cohort
