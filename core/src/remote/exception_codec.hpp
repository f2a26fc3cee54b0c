#pragma once

#include <exception>

#include <cohort/bytes.hpp>
#include <cohort/error.hpp>

namespace cohort {

/// Encodes an exception: its kind, type name, text, and the arguments that are needed to construct the standard and
/// cohort types again. A RemoteException is encoded unchanged: it names the process that threw first.
Payload encode_exception(const std::exception_ptr& exception, Pid worker);

/// Decodes the RemoteException in `payload`. If it cannot be read, the result is a RemoteException that says so.
std::exception_ptr decode_exception(const Payload& payload, Pid sender);

/// `exception` as a RemoteException of this process.
std::exception_ptr as_remote_exception(const std::exception_ptr& exception, Pid worker);

}  // namespace cohort
