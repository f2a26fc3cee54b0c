#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cohort {

/// Cuts a stream of text into lines. Those longer than `limit` bytes come in pieces.
class LineSplitter {
 public:
  static constexpr std::size_t limit = 64 * 1024;

  /// Calls `take(std::string_view line)`, without the line end, for each line that `text` completes.
  template <class Take>
  void add(std::string_view text, Take&& take) {
    while (!text.empty()) {
      const std::size_t room = limit - partial_.size();
      const std::size_t end = text.substr(0, room + 1).find('\n');  // a line of exactly `limit` bytes is one piece
      if (end == text.npos && text.size() <= room) {
        partial_.append(text);
        return;
      }
      const std::string_view piece = text.substr(0, end == text.npos ? room : end);
      text.remove_prefix(end == text.npos ? room : end + 1);
      if (partial_.empty()) {
        take(piece);
      } else {
        partial_.append(piece);
        take(std::string_view(partial_));
        partial_.clear();
      }
    }
  }

  /// The last line, if it has no end.
  template <class Take>
  void finish(Take&& take) {
    if (!partial_.empty()) take(std::string_view(partial_));
    partial_.clear();
  }

 private:
  std::string partial_;  // at most `limit` bytes
};

}  // namespace cohort
