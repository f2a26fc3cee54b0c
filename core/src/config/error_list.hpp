#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cohort::detail {

/// Collects all errors of one text, so that its author sees them together. Positions are byte offsets; lines and
/// columns (in characters, from 1) are computed only when they are printed.
class ErrorList {
 public:
  enum class Places { printed, left_out };

  /// @param text must outlive this object.
  /// @param name the name of the text in messages, usually a file's name.
  /// @param places left_out for a text that no author has seen, for example one that was made from flags.
  ErrorList(std::string_view text, std::string name, Places places = Places::printed)
      : text_(text), name_(std::move(name)), places_(places) {}

  void add(std::size_t offset, std::string message);
  /// Adds an error with the key of the message: "managers[0].count: expected ...". An empty path adds no key.
  void add(std::size_t offset, const std::string& path, const std::string& message);
  /// Adds an error that something is given twice; `message` says what. The position of `first` is added.
  void add_repeated(std::size_t offset, std::string message, std::size_t first);
  /// @throws ConfigError with one line for each error, in the order of the text.
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
