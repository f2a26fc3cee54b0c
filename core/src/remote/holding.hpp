#pragma once

#include <cstdint>
#include <utility>

namespace cohort {

/// What the owner of a value counts for this process, and when this process may release it. It only decides, and sends
/// nothing; its user sends the messages, and guards it. It is small enough for an atomic variable.
///
/// It ensures the order of messages. A message that makes the owner count (for this process, or for another process
/// that gets a handle) must be sent before this process releases what it holds. Otherwise the entry would be freed in
/// between, and the late message would find no entry, or create one that nobody will ever release. Several threads send
/// at the same time, so each reports when it begins and when it has sent.
class alignas(8) Holding {  // clang makes an atomic of it without calls only with the alignment of its size
 public:
  /// The owner counts `n` more for this process, or `-n` fewer.
  void add(int n) { counted_ += n; }
  /// A message that makes the owner count is going to be sent. Until it was, nothing is given back.
  void begin_sending() { sending_++; }
  /// Call it when that message was sent, or will not be sent. @return how many to release now.
  int end_sending() {
    sending_--;
    return due();
  }
  /// Call it when the value is not needed from the owner any more. @return how many to release now.
  int let_go() {
    wanted_ = 0;
    return due();
  }

  int counted() const { return counted_; }
  int sending() const { return static_cast<int>(sending_); }
  bool wanted() const { return wanted_ != 0; }

 private:
  int due() {
    if (wanted() || sending_ > 0 || counted_ < 0) return 0;
    return std::exchange(counted_, 0);
  }

  // Without padding, so that equal objects have the same bits.
  std::int32_t counted_ = 0;
  std::uint32_t sending_ : 31 = 0;
  std::uint32_t wanted_ : 1 = 1;
};

}  // namespace cohort
