#pragma once

// The functions of libcohort that the templates of local and remote channels call. Not for programs.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <cohort/detail/runtime.hpp>

namespace cohort::detail {
class ChannelQueue;
class RemoteChannelState;
}  // namespace cohort::detail

namespace COHORT_EXPORT cohort {

/// A capacity with which puts never wait.
inline constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

namespace detail {

struct ChannelItem {
  std::shared_ptr<void> object;  ///< of a Channel<T> a T, of a RemoteChannel<T> an encoded one
  bool shared = false;           ///< somebody fetched it: it must not be moved from
};

struct ChannelStatus {
  std::size_t size = 0;
  bool open = false;
  bool ready = false;
};

// --- Local channels. ---

using ChannelPtr = std::shared_ptr<ChannelQueue>;

ChannelPtr make_channel(std::size_t capacity);
void channel_put(const ChannelPtr& channel, ChannelItem item, const WaitOptions& options);
ChannelItem channel_take(const ChannelPtr& channel, const WaitOptions& options);
ChannelItem channel_fetch(const ChannelPtr& channel, const WaitOptions& options);
void channel_wait(const ChannelPtr& channel, const WaitOptions& options);
bool channel_try_put(const ChannelPtr& channel, ChannelItem&& item);
bool channel_try_take(const ChannelPtr& channel, ChannelItem& item);
void channel_close(const ChannelPtr& channel, std::exception_ptr reason);
ChannelStatus channel_status(const ChannelPtr& channel);

struct Selected {
  std::size_t index;
  ChannelItem item;
};
/// Takes one item of the first channel that has one; returns nullopt if all are closed.
std::optional<Selected> channel_select(std::span<const ChannelPtr> channels, const WaitOptions& options);

// --- Remote channels: their items are Payloads. ---

using RemoteChannelPtr = std::shared_ptr<RemoteChannelState>;
using PayloadPtr = std::shared_ptr<const Payload>;

RemoteChannelPtr make_remote_channel(std::size_t capacity, Pid owner);
Pid remote_channel_owner(const RemoteChannelState& channel);
/// @param item segments may be borrowed.
void remote_channel_put(const RemoteChannelPtr& channel, Payload&& item, const WaitOptions& options);
PayloadPtr remote_channel_take(const RemoteChannelPtr& channel, const WaitOptions& options);
PayloadPtr remote_channel_fetch(const RemoteChannelPtr& channel, const WaitOptions& options);
void remote_channel_put_all(const RemoteChannelPtr& channel, std::vector<Payload>&& items, const WaitOptions& options);
std::vector<PayloadPtr> remote_channel_take_some(const RemoteChannelPtr& channel, std::size_t most,
                                                 const WaitOptions& options);
struct LeasedItem {
  PayloadPtr item;
  std::uint64_t lease = 0;
};
LeasedItem remote_channel_lease(const RemoteChannelPtr& channel, const WaitOptions& options);
void remote_channel_end_lease(const RemoteChannelPtr& channel, std::uint64_t lease, bool back) noexcept;
void remote_channel_wait(const RemoteChannelPtr& channel, const WaitOptions& options);
void remote_channel_close(const RemoteChannelPtr& channel, std::exception_ptr reason);
void remote_channel_bind(const RemoteChannelPtr& channel, Pid pid);
ChannelStatus remote_channel_status(const RemoteChannelPtr& channel);
/// Call it in a handler for RemoteException. If the cause is the end of a channel or of a process, or a cancellation,
/// throws the cause itself; otherwise rethrows the RemoteException.
[[noreturn]] void rethrow_channel_failure();
/// @throws Error that channels with a store of the program's own have no such operation.
[[noreturn]] void throw_custom_channel(const char* operation);
void remote_channel_save(OutArchive& archive, const RemoteChannelPtr& channel);
RemoteChannelPtr remote_channel_load(InArchive& archive);

// --- Objects that stay in one process. ---

using ReferencePtr = std::shared_ptr<Reference>;

ReferencePtr make_object(std::shared_ptr<void> object, const std::type_info& type);
Pid object_owner(const Reference& reference);
/// Returns the object itself. @throws Error if it is in another process, gone, or of another type.
std::shared_ptr<void> local_object(const ReferencePtr& reference, const std::type_info& type);

}  // namespace detail
}  // namespace cohort
