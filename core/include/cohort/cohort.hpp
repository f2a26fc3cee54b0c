#pragma once

// Includes everything that programs need.

// These come first because the compiler repeats their include path with each of its notes about a call.
#include <cohort/function.hpp>
#include <cohort/remotecall.hpp>
#include <cohort/worker_pool.hpp>

#include <cohort/abstract_channel.hpp>
#include <cohort/array.hpp>
#include <cohort/async.hpp>
#include <cohort/channel.hpp>
#include <cohort/cluster.hpp>
#include <cohort/cluster_file.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/distributed_loop.hpp>
#include <cohort/error.hpp>
#include <cohort/everywhere.hpp>
#include <cohort/exception.hpp>
#include <cohort/finalize.hpp>
#include <cohort/future.hpp>
#include <cohort/lifecycle.hpp>
#include <cohort/module.hpp>
#include <cohort/named_function.hpp>
#include <cohort/named_value.hpp>
#include <cohort/pmap.hpp>
#include <cohort/pool.hpp>
#include <cohort/range.hpp>
#include <cohort/remote_channel.hpp>
#include <cohort/remote_store.hpp>
#include <cohort/retry.hpp>
#include <cohort/select.hpp>
#include <cohort/session.hpp>
#include <cohort/task.hpp>
#include <cohort/this_call.hpp>
#include <cohort/version.hpp>
#include <cohort/wait_options.hpp>
