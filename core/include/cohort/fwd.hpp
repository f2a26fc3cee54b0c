#pragma once

// Declares the classes of cohort without defining them: for headers that only name them.

#include <cstdint>

namespace cohort {

/// Identifies one process of a cluster. 1 is the master; workers count up from 2 and an id is never given twice.
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
