#pragma once

// Declares the classes of cohort without defining them, for headers that only name them.

#include <cstdint>

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {

/// Identifies one process of a cluster. The master is 1; workers are numbered from 2, and an id is never reused.
using Pid = std::int32_t;

class Session;
struct ClusterFile;
struct AddprocsOptions;
struct WorkerConfig;
class ClusterManager;
class Transport;

template <class T>
class Future;
template <class T = void>
class Task;
template <class T>
class Channel;
template <class T>
class RemoteChannel;
template <class T>
class RemoteStore;
template <class T>
class AbstractChannel;
template <class T>
class Array;
class WorkerPool;
class CachingPool;
class Pool;
class DistributedLoop;

class OutArchive;
class InArchive;
struct Payload;

class Error;
class RemoteException;

}  // namespace cohort
