#include "io/guarded_stream.hpp"

#include <cerrno>
#include <utility>

#include <cohort/error.hpp>

#include "base/module_info.hpp"

namespace cohort {
namespace {

// The class of a plugin lies in the plugin, with its type information.
template <class Half>
const std::type_info* type_of(const std::unique_ptr<Half>& half) {
  if (half == nullptr) return nullptr;
  const Half& object = *half;
  return &typeid(object);
}

}  // namespace

std::string GuardedHalf::fault() const {
  if (!faulty()) return "";
  detail::MutexLock lock(mutex_);
  return fault_.empty() ? "a plugin's stream failed, and there is no memory to say how" : fault_;
}

void GuardedHalf::blame(const std::type_info* object, const std::string& what) noexcept {
  try {
    const std::string who = object == nullptr ? "a plugin" : module_name(object);
    detail::MutexLock lock(mutex_);
    if (fault_.empty()) fault_ = who + ": " + what;
  } catch (const std::bad_alloc&) {  // it is faulty all the same
  }
  faulty_.store(true, std::memory_order_relaxed);
}

void GuardedHalf::blame_exception(const std::type_info* object) noexcept {
  try {
    blame(object, message_of(std::current_exception()));
  } catch (...) {
    blame(object, "an exception that cannot be read");
  }
}

GuardedReader::GuardedReader(std::unique_ptr<Reader> reader) noexcept : reader_(std::move(reader)) {
  if (reader_ == nullptr) {
    blame(nullptr, "a connection without a Reader");
    return;
  }
  try {
    descriptor_ = reader_->descriptor();
  } catch (...) {
    blame_exception(type_of(reader_));
  }
}

ssize_t GuardedReader::read(std::span<std::byte> buffer) noexcept {
  if (faulty()) return -EPROTO;
  try {
    const ssize_t count = reader_->read(buffer);
    if (count <= static_cast<ssize_t>(buffer.size())) return count;
    blame(type_of(reader_),
          "read() said " + std::to_string(count) + " for a buffer of " + std::to_string(buffer.size()) + " bytes");
  } catch (...) {
    blame_exception(type_of(reader_));
  }
  return -EPROTO;
}

bool GuardedReader::on_readable(std::function<void()> ready) noexcept {
  if (faulty()) return false;
  try {
    reader_->on_readable(std::move(ready));
  } catch (...) {
    blame_exception(type_of(reader_));
  }
  return !faulty();
}

void GuardedReader::close() noexcept {
  if (reader_ == nullptr) return;
  try {
    reader_->close();
  } catch (...) {
    blame_exception(type_of(reader_));
  }
}

GuardedWriter::GuardedWriter(std::unique_ptr<Writer> writer) noexcept : writer_(std::move(writer)) {
  if (writer_ == nullptr) {
    blame(nullptr, "a connection without a Writer");
    return;
  }
  try {
    descriptor_ = writer_->descriptor();
  } catch (...) {
    blame_exception(type_of(writer_));
  }
}

ssize_t GuardedWriter::write(std::span<const iovec> parts) noexcept {
  if (faulty()) return -EPROTO;
  try {
    const ssize_t count = writer_->write(parts);
    if (count < 0) return count;
    std::size_t all = 0;
    for (const iovec& part : parts) all += part.iov_len;
    if (count > 0 && static_cast<std::size_t>(count) <= all) return count;
    blame(type_of(writer_), "write() said " + std::to_string(count) + " for " + std::to_string(all) +
                                " bytes; without room it must say -EAGAIN");
  } catch (...) {
    blame_exception(type_of(writer_));
  }
  return -EPROTO;
}

bool GuardedWriter::on_writable(std::function<void()> ready) noexcept {
  if (faulty()) return false;
  try {
    writer_->on_writable(std::move(ready));
  } catch (...) {
    blame_exception(type_of(writer_));
  }
  return !faulty();
}

void GuardedWriter::close() noexcept {
  if (writer_ == nullptr) return;
  try {
    writer_->close();
  } catch (...) {
    blame_exception(type_of(writer_));
  }
}

}  // namespace cohort
