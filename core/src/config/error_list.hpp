#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::detail {

/// Gathers everything that is wrong with one text, so that its author sees all of it at once.
/// Places are byte offsets until they are printed: lines and columns (in characters, from 1) are only counted then.
class ErrorList {
 public:
  enum class Places { printed, left_out };

  /// @param text must outlive this object.
  /// @param name what the text is called in messages, mostly a file's name.
  /// @param places left_out: of a text that no author has seen, as that made from flags.
  ErrorList(std::string_view text, std::string name, Places places = Places::printed)
      : text_(text), name_(std::move(name)), places_(places) {}

  void add(std::size_t offset, std::string message);
  /// With the key that the message is about: "managers[0].count: expected ...". An empty path adds nothing.
  void add(std::size_t offset, const std::string& path, const std::string& message);
  /// `message` says what is given again; the place of `first` is told, too.
  void add_repeated(std::size_t offset, std::string message, std::size_t first);
  /// @throws ConfigError with one line an error, in the order of the text.
  void throw_if_any() const;
  /// "12:7"
  std::string place(std::size_t offset) const;
  bool empty() const { return errors_.empty(); }

 private:
  struct Entry {
    std::size_t offset;
    std::string message;
    std::optional<std::size_t> first = std::nullopt;
  };

  std::string print(const Entry& entry) const;

  std::string_view text_;
  std::string name_;
  Places places_;
  std::vector<Entry> errors_;
};

}  // namespace cohort::detail
