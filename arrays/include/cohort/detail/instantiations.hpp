#pragma once

#include <cohort/detail/distributed_algorithms.hpp>

// What every program with distributed arrays needs is compiled once, in the library, for the usual types of elements.
// Included by darray.hpp.

namespace COHORT_EXPORT cohort {
namespace detail {

// clang-format off
#define COHORT_ARRAYS_OF_RANK_(extern_, N) \
  extern_ template ArrayHead<N> make_head<N>(const Extents<N>&, const DArrayOptions<N>&, bool); \
  extern_ template DArrayOptions<N> options_of<N>(const ArrayHead<N>&, Repair); \
  extern_ template std::vector<std::size_t> places_here<N>(const ArrayHead<N>&); \
  extern_ template void check_holders<N>(const ArrayHead<N>&); \
  extern_ template ArrayHead<N> with_blocks<N>(ArrayHead<N>); \
  extern_ template void fail_lost_place<N>(const void*, std::size_t, const std::exception_ptr&); \
  extern_ template struct ArrayHead<N>; \
  extern_ template struct Region<N>; \
  extern_ template class ResultLayout<N>; \
  extern_ template void save_value<ArrayHead<N>>(OutArchive&, const ArrayHead<N>&); \
  extern_ template void load_value<ArrayHead<N>>(InArchive&, ArrayHead<N>&);
#define COHORT_ARRAYS_OF_(extern_, T, N) \
  extern_ template struct PartFunctions<T, N, NdArray>; \
  extern_ template std::shared_ptr<ArrayState<T, N, NdArray>> make_state<T, N, NdArray>(ArrayHead<N>, Repair); \
  extern_ template std::shared_ptr<const ArrayHead<N>> usable_head<T, N, NdArray>( \
      const std::shared_ptr<ArrayState<T, N, NdArray>>&); \
  extern_ template void repair<T, N, NdArray>(const std::shared_ptr<ArrayState<T, N, NdArray>>&); \
  extern_ template PartOf<NdArray<T, N>, N>& local_part_of<T, N, NdArray>( \
      const std::shared_ptr<ArrayState<T, N, NdArray>>&, std::size_t); \
  extern_ template DArray<T, N> distribute<T, N, NdArray>(const NdArray<T, N>&, const DArrayOptions<N>&); \
  extern_ template NdArray<T, N> get_region<T, N, NdArray>(const ArrayHead<N>&, const Region<N>&, std::uint64_t*); \
  extern_ template void put_region<T, N, NdArray>(const ArrayHead<N>&, const Region<N>&, const NdArray<T, N>&, Writing); \
  extern_ template DArray<T, N> redistribute<T, N, NdArray>(const DArray<T, N>&, const DArrayOptions<N>&); \
  extern_ template DArray<T, N> make_darray<T, N, NdArray, FilledPart<T>>(const Extents<N>&, const DArrayOptions<N>&, \
                                                                         FilledPart<T>); \
  extern_ template DArray<T, N> uncounted<T, N, NdArray>(const DArray<T, N>&); \
  extern_ template HostOperand<T, N> bind_array<T, N, NdArray>(const DArray<T, N>&, const Extents<N>&, const Region<N>&, \
                                                              std::size_t, std::uint64_t&); \
  extern_ template void save_value<DArray<T, N>>(OutArchive&, const DArray<T, N>&); \
  extern_ template void load_value<DArray<T, N>>(InArchive&, DArray<T, N>&); \
  extern_ template class Reduction<sum_t<T>, T, N, std::plus<>>; \
  extern_ template void reduce_part<sum_t<T>>(std::plus<>&, const Box<N>&, const Box<N>&, HostOperand<T, N>&, \
                                              PartialReduction<sum_t<T>, T>&); \
  extern_ template std::optional<sum_t<T>> DistributedKind<NdArray>::reduce<sum_t<T>, std::plus<>, DArray<T, N>>( \
      std::plus<>, const DArray<T, N>&);
#define COHORT_REDUCTIONS_OF_(extern_, T) \
  extern_ template void encode_results(Payload&, std::vector<PartialReduction<sum_t<T>, T>>&); \
  extern_ template std::vector<PartialReduction<sum_t<T>, T>> decode_results(const std::vector<PlacesAnswer>&, std::size_t);
#define COHORT_USUAL_ARRAYS_(extern_) \
  COHORT_REDUCTIONS_OF_(extern_, double) \
  COHORT_REDUCTIONS_OF_(extern_, float) \
  COHORT_REDUCTIONS_OF_(extern_, int) \
  extern_ template void save_value<RemoteStore<ArrayKeeper>>(OutArchive&, const RemoteStore<ArrayKeeper>&); \
  extern_ template void load_value<RemoteStore<ArrayKeeper>>(InArchive&, RemoteStore<ArrayKeeper>&); \
  COHORT_ARRAYS_OF_RANK_(extern_, 1) \
  COHORT_ARRAYS_OF_RANK_(extern_, 2) \
  COHORT_ARRAYS_OF_RANK_(extern_, 3) \
  COHORT_ARRAYS_OF_(extern_, double, 1) \
  COHORT_ARRAYS_OF_(extern_, double, 2) \
  COHORT_ARRAYS_OF_(extern_, double, 3) \
  COHORT_ARRAYS_OF_(extern_, float, 1) \
  COHORT_ARRAYS_OF_(extern_, float, 2) \
  COHORT_ARRAYS_OF_(extern_, int, 1) \
  COHORT_ARRAYS_OF_(extern_, int, 2)

#ifndef COHORT_INSTANTIATE_ARRAYS
COHORT_USUAL_ARRAYS_(extern)
#endif
// clang-format on

}  // namespace detail
}  // namespace cohort
