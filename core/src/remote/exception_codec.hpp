#pragma once

#include <exception>

#include <cohort/bytes.hpp>
#include <cohort/error.hpp>

namespace cohort {

/// An exception as it travels: its kind, type name, text, and the arguments needed to make the standard and cohort
/// types again. One that is a RemoteException already passes through unchanged: it names who threw first.
Payload encode_exception(const std::exception_ptr& exception, Pid worker);

/// The RemoteException in `payload`. A payload that cannot be read gives one that says so.
std::exception_ptr decode_exception(const Payload& payload, Pid sender);

/// `exception` as a RemoteException of this process.
std::exception_ptr as_remote_exception(const std::exception_ptr& exception, Pid worker);

}  // namespace cohort
