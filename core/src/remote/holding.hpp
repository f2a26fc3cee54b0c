#pragma once

#include <cstdint>
#include <utility>

namespace cohort {

/// What the owner of a value counts for this process, and when this process may give it back. It only decides, and
/// sends nothing; whoever has it sends what it says, and guards it. It is small enough for an atomic variable.
///
/// The order of messages is what it is about. A message that makes the owner count (for this process, or for another
/// one that is sent a handle) must be sent before this process gives back what it holds: else the entry goes in
/// between, and the late message finds none, or makes one that nobody will ever give back. Several threads are on the
/// way at once, so each says when it begins and when it has sent.
class alignas(8) Holding {  // clang makes an atomic of it without calls only with the alignment of its size
 public:
  /// The owner counts `n` more for this process, or `-n` fewer.
  void add(int n) { counted_ += n; }
  /// A message that makes the owner count is going to be sent. Until it was, nothing is given back.
  void begin_sending() { sending_++; }
  /// It was sent, or will not be. @return how many to give back now.
  int end_sending() {
    sending_--;
    return due();
  }
  /// The value is not needed from the owner any more. @return how many to give back now.
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

  // Without padding, so that two which are equal have the same bits.
  std::int32_t counted_ = 0;
  std::uint32_t sending_ : 31 = 0;
  std::uint32_t wanted_ : 1 = 1;
};

}  // namespace cohort
