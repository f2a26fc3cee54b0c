#pragma once

// The interface between libcohort and its plugins, as numbers that the compiler knows. They are in the descriptor of
// each plugin, and are compared before any of its code runs. Not for programs.
//
// A new field or function of the interface needs a row here. tests/unit/plugin/interface.txt shows all rows, so that a
// change of the interface is seen when it is reviewed.

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <type_traits>

#include <cohort/child_process.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/options.hpp>
#include <cohort/transport.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), for the bytes of a number.
constexpr std::uint64_t hash_number(std::uint64_t hash, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ ((number >> shift) & 0xff)) * 0x100000001b3;
  return hash;
}
inline constexpr std::uint64_t hash_start = 0xcbf29ce484222325;

template <class T>
constexpr std::uint64_t shape_of_type();

/// Of the types in a type like std::vector<std::string>.
template <class T>
struct ShapeOfArguments {
  static constexpr std::uint64_t value = 0;
};
template <template <class...> class C, class... A>
struct ShapeOfArguments<C<A...>> {
  static constexpr std::uint64_t value = [] {
    std::uint64_t hash = hash_start;
    for (const std::uint64_t argument : {std::uint64_t{sizeof...(A)}, shape_of_type<A>()...})
      hash = hash_number(hash, argument);
    return hash;
  }();
};
// What they point to may be incomplete.
template <class T>
struct ShapeOfArguments<std::shared_ptr<T>> {
  static constexpr std::uint64_t value = 1;
};
template <class T, class D>
struct ShapeOfArguments<std::unique_ptr<T, D>> {
  static constexpr std::uint64_t value = 2;
};
template <class R, class... A>
struct ShapeOfArguments<R(A...)> {
  static constexpr std::uint64_t value = ShapeOfArguments<std::tuple<R, A...>>::value;
};

/// What must be equal for two types to be passed for each other. Not their names: each compiler writes them in its way.
template <class T>
constexpr std::uint64_t shape_of_type() {
  using Value = std::remove_cvref_t<T>;
  std::uint64_t hash = hash_start;
  for (const bool is : {std::is_reference_v<T>, std::is_const_v<std::remove_reference_t<T>>, std::is_pointer_v<Value>,
                        std::is_class_v<Value>, std::is_enum_v<Value>, std::is_floating_point_v<Value>,
                        std::is_signed_v<Value>, std::is_void_v<Value>})
    hash = hash_number(hash, is);
  if constexpr (!std::is_void_v<Value> && !std::is_function_v<Value>)
    hash = hash_number(hash_number(hash, sizeof(Value)), alignof(Value));
  return hash_number(hash, ShapeOfArguments<Value>::value);
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

#define COHORT_VALUE_(type, name) \
  InterfaceRow { #type "::" #name, static_cast < std::uint64_t>(type::name), shape_of_type < type>() }

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
    COHORT_FIELD_(WorkerConfig, leaving),  COHORT_FIELD_(WorkerConfig, arrival),
    COHORT_FIELD_(WorkerConfig, ospid),    COHORT_FIELD_(WorkerConfig, threads),
    COHORT_WHOLE_(WorkerConfig),           COHORT_FIELD_(WorkerOutput, out),
    COHORT_FIELD_(WorkerOutput, err)};

inline constexpr std::array launch_params_rows{COHORT_FIELD_(LaunchParams, exename),
                                               COHORT_FIELD_(LaunchParams, exeflags),
                                               COHORT_FIELD_(LaunchParams, dir),
                                               COHORT_FIELD_(LaunchParams, cookie),
                                               COHORT_FIELD_(LaunchParams, transport),
                                               COHORT_FIELD_(LaunchParams, transport_name),
                                               COHORT_FIELD_(LaunchParams, threads),
                                               COHORT_FIELD_(LaunchParams, timeout),
                                               COHORT_FIELD_(LaunchParams, stop),
                                               COHORT_FIELD_(LaunchParams, term),
                                               COHORT_FIELD_(LaunchParams, kill),
                                               COHORT_FIELD_(LaunchParams, min),
                                               COHORT_WHOLE_(LaunchParams)};

inline constexpr std::array manager_rows{COHORT_FUNCTION_(ClusterManager, launch),
                                         COHORT_FUNCTION_(ClusterManager, manage),
                                         COHORT_FUNCTION_(ClusterManager, connect),
                                         COHORT_FUNCTION_(ClusterManager, kill),
                                         COHORT_FUNCTION_(ClusterManager, exit_cause),
                                         COHORT_FUNCTION_(LaunchQueue, push),
                                         COHORT_FUNCTION_(LaunchQueue, fail),
                                         COHORT_FUNCTION_(LaunchQueue, keep_open),
                                         COHORT_FUNCTION_(LaunchQueue, extend),
                                         COHORT_FUNCTION_(LaunchQueue, expect),
                                         COHORT_WHOLE_(ClusterManager),
                                         COHORT_VALUE_(ManageOp, register_worker),
                                         COHORT_VALUE_(ManageOp, deregister_worker),
                                         COHORT_VALUE_(ManageOp, interrupt),
                                         COHORT_VALUE_(ManageOp, finalize)};

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
    COHORT_FUNCTION_(Writer, close),       COHORT_FUNCTION_(Writer, on_writable), COHORT_WHOLE_(IoPair),
    COHORT_FIELD_(IoPair, reader),         COHORT_FIELD_(IoPair, writer)};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // std::map may be of no standard layout; GCC and clang know it
inline constexpr std::array process_rows{COHORT_FIELD_(SpawnOptions, command),
                                         COHORT_FIELD_(SpawnOptions, dir),
                                         COHORT_FIELD_(SpawnOptions, env),
                                         COHORT_FIELD_(SpawnOptions, input),
                                         COHORT_FIELD_(SpawnOptions, capture),
                                         COHORT_FIELD_(SpawnOptions, new_session),
                                         COHORT_FIELD_(SpawnOptions, cpus),
                                         COHORT_FIELD_(SpawnOptions, die_with_parent),
                                         COHORT_WHOLE_(SpawnOptions),
                                         COHORT_FIELD_(SpawnOptions, end_with_children),
                                         COHORT_FIELD_(ExitStatus, exited),
                                         COHORT_FIELD_(ExitStatus, code),
                                         COHORT_FIELD_(ExitStatus, signal),
                                         COHORT_WHOLE_(ExitStatus),
                                         COHORT_WHOLE_(ChildProcess),
                                         COHORT_WHOLE_(Error),
                                         COHORT_WHOLE_(RemoteException),
                                         COHORT_WHOLE_(ProcessExitedException),
                                         COHORT_WHOLE_(CompositeException),
                                         COHORT_VALUE_(ErrorKind, failed),
                                         COHORT_VALUE_(ErrorKind, overloaded),
                                         COHORT_VALUE_(ErrorKind, disconnected),
                                         COHORT_VALUE_(ErrorKind, unimplemented)};

#pragma GCC diagnostic pop

#undef COHORT_VALUE_
#undef COHORT_FIELD_
#undef COHORT_WHOLE_
#undef COHORT_FUNCTION_

template <class Rows>
constexpr std::uint64_t hash_rows(const Rows& rows) {
  std::uint64_t hash = hash_start;
  for (const InterfaceRow& row : rows) hash = hash_number(hash_number(hash, row.offset), row.shape);
  return hash;
}

/// The place of `end` shows how many virtual functions the interface has. Never made, so `end` is not defined.
#define COHORT_AFTER_(interface)        \
  struct After##interface : interface { \
    virtual void end();                 \
  }
COHORT_AFTER_(ClusterManager);
COHORT_AFTER_(LaunchQueue);
COHORT_AFTER_(Transport);
COHORT_AFTER_(Listener);
COHORT_AFTER_(Reader);
COHORT_AFTER_(Writer);
#undef COHORT_AFTER_

/// The fingerprint. The pointers to virtual functions are their places in the tables of virtual functions (Itanium C++
/// ABI, 2.3): numbers, like all the rest, so they can be read from the file of a plugin.
struct PluginInterface {
  std::uint64_t options;
  std::uint64_t worker_config;
  std::uint64_t launch_params;
  std::uint64_t manager;
  std::uint64_t transport;
  std::uint64_t streams;
  std::uint64_t processes;  ///< and exceptions
  struct ManagerPlaces {
    decltype(&ClusterManager::launch) launch;
    decltype(&ClusterManager::manage) manage;
    decltype(&ClusterManager::connect) connect;
    decltype(&ClusterManager::kill) kill;
    decltype(&ClusterManager::exit_cause) exit_cause;
    decltype(&LaunchQueue::push) push;
    decltype(&LaunchQueue::fail) fail;
    decltype(&LaunchQueue::keep_open) keep_open;
    decltype(&LaunchQueue::extend) extend;
    decltype(&LaunchQueue::expect) expect;
    decltype(&AfterClusterManager::end) after_manager;
    decltype(&AfterLaunchQueue::end) after_queue;
  } manager_places;
  struct TransportPlaces {
    decltype(&Transport::listen) listen;
    decltype(&Transport::connect) connect;
    decltype(&Transport::set_secret) set_secret;
    decltype(&Listener::address) address;
    decltype(&Listener::accept) accept;
    decltype(&Listener::descriptor) descriptor;
    decltype(&Listener::on_acceptable) on_acceptable;
    decltype(&AfterTransport::end) after_transport;
    decltype(&AfterListener::end) after_listener;
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
    decltype(&AfterReader::end) after_reader;
    decltype(&AfterWriter::end) after_writer;
  } stream_places;
};

inline constexpr PluginInterface plugin_interface{
    hash_rows(options_rows),
    hash_rows(worker_config_rows),
    hash_rows(launch_params_rows),
    hash_rows(manager_rows),
    hash_rows(transport_rows),
    hash_rows(stream_rows),
    hash_rows(process_rows),
    {&ClusterManager::launch, &ClusterManager::manage, &ClusterManager::connect, &ClusterManager::kill,
     &ClusterManager::exit_cause, &LaunchQueue::push, &LaunchQueue::fail, &LaunchQueue::keep_open, &LaunchQueue::extend,
     &LaunchQueue::expect, &AfterClusterManager::end, &AfterLaunchQueue::end},
    {&Transport::listen, &Transport::connect, &Transport::set_secret, &Listener::address, &Listener::accept,
     &Listener::descriptor, &Listener::on_acceptable, &AfterTransport::end, &AfterListener::end},
    {&Reader::read, &Reader::descriptor, &Reader::on_readable, &Reader::close, &Writer::write, &Writer::descriptor,
     &Writer::on_writable, &Writer::close, &AfterReader::end, &AfterWriter::end}};

}  // namespace detail
}  // namespace cohort
