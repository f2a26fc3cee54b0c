#pragma once

// The interface between libcohort and its plugins, as numbers that the compiler knows. They are in the descriptor of
// each plugin, and are compared before any of its code runs. Not for programs.
//
// A new field or function of the interface needs a row here. tests/unit/plugin/interface.txt shows all rows, so that a
// change of the interface is seen when it is reviewed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <cohort/cluster_manager.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/options.hpp>
#include <cohort/transport.hpp>

namespace cohort::detail {

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), for the bytes of a number.
constexpr std::uint64_t hash_number(std::uint64_t hash, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ ((number >> shift) & 0xff)) * 0x100000001b3;
  return hash;
}
inline constexpr std::uint64_t hash_start = 0xcbf29ce484222325;

/// What must be equal for two types to be passed for each other. Not their names: each compiler writes them in its way.
template <class T>
constexpr std::uint64_t shape_of_type() {
  using Value = std::remove_cvref_t<T>;
  std::uint64_t hash = hash_start;
  for (const bool is : {std::is_reference_v<T>, std::is_const_v<std::remove_reference_t<T>>, std::is_pointer_v<Value>,
                        std::is_class_v<Value>, std::is_enum_v<Value>, std::is_floating_point_v<Value>,
                        std::is_signed_v<Value>, std::is_void_v<Value>})
    hash = hash_number(hash, is);
  if constexpr (!std::is_void_v<Value>) hash = hash_number(hash_number(hash, sizeof(Value)), alignof(Value));
  return hash;
}

template <class C, class R, class... A>
constexpr std::uint64_t shape_of(R (C::*)(A...)) {
  std::uint64_t hash = shape_of_type<R>();
  for (const std::uint64_t argument : {std::uint64_t{sizeof...(A)}, shape_of_type<A>()...})
    hash = hash_number(hash, argument);
  return hash;
}
template <class C, class R, class... A>
constexpr std::uint64_t shape_of(R (C::*)(A...) const) {
  return hash_number(shape_of(static_cast<R (C::*)(A...)>(nullptr)), 1);
}

struct InterfaceRow {
  const char* name;
  std::uint64_t offset;  ///< of a field, in bytes; 0 for a function, whose place is in PluginInterface
  std::uint64_t shape;
};

#define COHORT_FIELD_(type, name) \
  InterfaceRow { #type "::" #name, offsetof(type, name), shape_of_type < decltype(type::name)>() }
#define COHORT_WHOLE_(type) \
  InterfaceRow { #type, sizeof(type), shape_of_type < type>() }
#define COHORT_FUNCTION_(type, name) \
  InterfaceRow { #type "::" #name "()", 0, shape_of(&type::name) }

inline constexpr std::array options_rows{
    COHORT_FIELD_(Option, name),        COHORT_FIELD_(Option, type),    COHORT_FIELD_(Option, default_value),
    COHORT_FIELD_(Option, help),        COHORT_FIELD_(Option, choices), COHORT_FIELD_(Option, minimum),
    COHORT_FIELD_(Option, maximum),     COHORT_WHOLE_(Option),          COHORT_WHOLE_(Options),
    COHORT_FUNCTION_(Options, string),  COHORT_FUNCTION_(Options, env), COHORT_FUNCTION_(Options, count),
    COHORT_FUNCTION_(Options, duration)};

inline constexpr std::array worker_config_rows{
    COHORT_FIELD_(WorkerConfig, io),       COHORT_FIELD_(WorkerConfig, host),
    COHORT_FIELD_(WorkerConfig, port),     COHORT_FIELD_(WorkerConfig, count),
    COHORT_FIELD_(WorkerConfig, exename),  COHORT_FIELD_(WorkerConfig, count_auto),
    COHORT_FIELD_(WorkerConfig, exeflags), COHORT_FIELD_(WorkerConfig, userdata),
    COHORT_FIELD_(WorkerConfig, tunnel),   COHORT_FIELD_(WorkerConfig, bind_addr),
    COHORT_FIELD_(WorkerConfig, sshflags), COHORT_FIELD_(WorkerConfig, connect_at),
    COHORT_FIELD_(WorkerConfig, ident),    COHORT_FIELD_(WorkerConfig, connect_idents),
    COHORT_FIELD_(WorkerConfig, arrival),  COHORT_FIELD_(WorkerConfig, ospid),
    COHORT_FIELD_(WorkerConfig, threads),  COHORT_WHOLE_(WorkerConfig)};

inline constexpr std::array launch_params_rows{
    COHORT_FIELD_(LaunchParams, exename),   COHORT_FIELD_(LaunchParams, exeflags),
    COHORT_FIELD_(LaunchParams, dir),       COHORT_FIELD_(LaunchParams, cookie),
    COHORT_FIELD_(LaunchParams, transport), COHORT_FIELD_(LaunchParams, transport_name),
    COHORT_FIELD_(LaunchParams, threads),   COHORT_FIELD_(LaunchParams, timeout),
    COHORT_FIELD_(LaunchParams, stop),      COHORT_FIELD_(LaunchParams, term),
    COHORT_FIELD_(LaunchParams, kill),      COHORT_WHOLE_(LaunchParams)};

inline constexpr std::array manager_rows{COHORT_FUNCTION_(ClusterManager, launch),
                                         COHORT_FUNCTION_(ClusterManager, manage),
                                         COHORT_FUNCTION_(ClusterManager, connect),
                                         COHORT_FUNCTION_(ClusterManager, kill),
                                         COHORT_FUNCTION_(ClusterManager, exit_cause),
                                         COHORT_FUNCTION_(LaunchQueue, push),
                                         COHORT_FUNCTION_(LaunchQueue, fail),
                                         COHORT_FUNCTION_(LaunchQueue, keep_open),
                                         COHORT_WHOLE_(ClusterManager)};

inline constexpr std::array transport_rows{COHORT_FUNCTION_(Transport, listen),
                                           COHORT_FUNCTION_(Transport, connect),
                                           COHORT_FUNCTION_(Transport, set_secret),
                                           COHORT_FUNCTION_(Listener, address),
                                           COHORT_FUNCTION_(Listener, accept),
                                           COHORT_FUNCTION_(Listener, descriptor),
                                           COHORT_WHOLE_(Transport),
                                           COHORT_FUNCTION_(Listener, on_acceptable)};

inline constexpr std::array stream_rows{
    COHORT_FUNCTION_(Reader, read),        COHORT_FUNCTION_(Reader, descriptor),  COHORT_FUNCTION_(Reader, close),
    COHORT_FUNCTION_(Reader, on_readable), COHORT_FUNCTION_(Writer, write),       COHORT_FUNCTION_(Writer, descriptor),
    COHORT_FUNCTION_(Writer, close),       COHORT_FUNCTION_(Writer, on_writable), COHORT_WHOLE_(IoPair)};

#undef COHORT_FIELD_
#undef COHORT_WHOLE_
#undef COHORT_FUNCTION_

template <class Rows>
constexpr std::uint64_t hash_rows(const Rows& rows) {
  std::uint64_t hash = hash_start;
  for (const InterfaceRow& row : rows) hash = hash_number(hash_number(hash, row.offset), row.shape);
  return hash;
}

/// The fingerprint. The pointers to virtual functions are their places in the tables of virtual functions (Itanium C++
/// ABI, 2.3): numbers, like all the rest, so they can be read from the file of a plugin.
struct PluginInterface {
  std::uint64_t options;
  std::uint64_t worker_config;
  std::uint64_t launch_params;
  std::uint64_t manager;
  std::uint64_t transport;
  std::uint64_t streams;
  struct ManagerPlaces {
    decltype(&ClusterManager::launch) launch;
    decltype(&ClusterManager::manage) manage;
    decltype(&ClusterManager::connect) connect;
    decltype(&ClusterManager::kill) kill;
    decltype(&ClusterManager::exit_cause) exit_cause;
    decltype(&LaunchQueue::push) push;
    decltype(&LaunchQueue::fail) fail;
    decltype(&LaunchQueue::keep_open) keep_open;
  } manager_places;
  struct TransportPlaces {
    decltype(&Transport::listen) listen;
    decltype(&Transport::connect) connect;
    decltype(&Transport::set_secret) set_secret;
    decltype(&Listener::address) address;
    decltype(&Listener::accept) accept;
    decltype(&Listener::descriptor) descriptor;
    decltype(&Listener::on_acceptable) on_acceptable;
  } transport_places;
  struct StreamPlaces {
    decltype(&Reader::read) read;
    decltype(&Reader::descriptor) reader_descriptor;
    decltype(&Reader::on_readable) on_readable;
    decltype(&Reader::close) close_reader;
    decltype(&Writer::write) write;
    decltype(&Writer::descriptor) writer_descriptor;
    decltype(&Writer::on_writable) on_writable;
    decltype(&Writer::close) close_writer;
  } stream_places;
};

inline constexpr PluginInterface plugin_interface{
    hash_rows(options_rows),
    hash_rows(worker_config_rows),
    hash_rows(launch_params_rows),
    hash_rows(manager_rows),
    hash_rows(transport_rows),
    hash_rows(stream_rows),
    {&ClusterManager::launch, &ClusterManager::manage, &ClusterManager::connect, &ClusterManager::kill,
     &ClusterManager::exit_cause, &LaunchQueue::push, &LaunchQueue::fail, &LaunchQueue::keep_open},
    {&Transport::listen, &Transport::connect, &Transport::set_secret, &Listener::address, &Listener::accept,
     &Listener::descriptor, &Listener::on_acceptable},
    {&Reader::read, &Reader::descriptor, &Reader::on_readable, &Reader::close, &Writer::write, &Writer::descriptor,
     &Writer::on_writable, &Writer::close}};

}  // namespace cohort::detail
