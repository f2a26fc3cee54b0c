#include "job_inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>
#include <utility>

#include <cohort/error.hpp>

#include "exit_code.hpp"

namespace cohort::cli {
namespace {

std::string name_of(const std::string& file) { return file == "-" ? "standard input" : file; }

/// An argument of a program ends at a NUL, so the rest of such an input would be lost.
void check_input(const std::string& input, const std::string& file) {
  if (input.find('\0') == input.npos) return;
  throw Error("an input of " + name_of(file) +
              " has a NUL in it; if NULs end its inputs, as after find -print0, say -0");
}

std::vector<std::string> inputs_of(const std::string& file, char separator) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) throw Error("cannot read " + file + ": " + std::generic_category().message(errno));
  }
  std::istream& input = file == "-" ? std::cin : opened;
  std::vector<std::string> inputs;
  for (std::string line; std::getline(input, line, separator);) {
    check_input(line, file);
    inputs.push_back(std::move(line));
  }
  if (input.bad()) throw Error("cannot read " + name_of(file) + ": " + std::generic_category().message(errno));
  return inputs;
}

/// What ":::" and its like say of the words behind them.
struct Separator {
  bool files;
  bool linked;
};

std::optional<Separator> separator_of(const std::string& word) {
  if (word == ":::") return Separator{false, false};
  if (word == "::::") return Separator{true, false};
  if (word == ":::+") return Separator{false, true};
  if (word == "::::+") return Separator{true, true};
  return std::nullopt;
}

bool separates(const std::string& word) { return separator_of(word).has_value(); }

}  // namespace

JobInputs::JobInputs(std::vector<std::string>& words, const std::vector<std::string>& files, char separator)
    : separator_(separator) {
  const auto first = std::find_if(words.begin(), words.end(), separates);
  const std::vector<std::string> rest(first, words.end());
  words.erase(first, words.end());

  using Words = std::vector<std::string>;
  streaming_ =
      (rest.empty() && (files.empty() || files == Words{"-"})) || (files.empty() && rest == Words{"::::", "-"});
  if (streaming_) {
    if (isatty(STDIN_FILENO) == 1) print_message("reads the inputs from the terminal; to give them as words, use :::");
    return;
  }
  bool input_is_read = false;
  const auto read = [&](const std::string& file) {
    if (file == "-" && std::exchange(input_is_read, true))
      throw UsageError("standard input can be read only once: '-' is one source");
    return inputs_of(file, separator_);
  };
  for (const auto& file : files) add_source(read(file), false);
  for (std::size_t i = 0; i < rest.size();) {
    const auto [lists_files, linked] = *separator_of(rest[i]);
    const std::string& written = rest[i];
    const auto end = std::find_if(rest.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest.end(), separates);
    const Words values(rest.begin() + static_cast<std::ptrdiff_t>(i) + 1, end);
    if (linked && groups_.empty())
      throw UsageError("'" + written + "' goes in step with the source before it, and there is none");
    if (lists_files && values.empty())
      throw UsageError("'" + written + "' wants files with inputs; standard input is '-'");
    if (lists_files) {
      for (const auto& file : values) add_source(read(file), linked);
    } else {
      add_source(values, linked);
    }
    i += 1 + values.size();
  }
  combinations_ = 1;
  for (const auto& group : groups_) {
    if (__builtin_mul_overflow(combinations_, group[0].size(), &combinations_))
      throw Error("there are more combinations of the inputs than can be counted");
  }
  ended_ = combinations_ == 0;
}

void JobInputs::add_source(std::vector<std::string> inputs, bool linked) {
  if (!linked) {
    groups_.push_back({std::move(inputs)});
    return;
  }
  Linked& group = groups_.back();
  if (inputs.size() != group[0].size())
    throw UsageError("sources that are linked by ':::+' or '::::+' want as many inputs: there are " +
                     std::to_string(group[0].size()) + " and " + std::to_string(inputs.size()));
  group.push_back(std::move(inputs));
}

std::size_t JobInputs::sources() const {
  if (streaming_) return 1;
  std::size_t count = 0;
  for (const auto& group : groups_) count += group.size();
  return count;
}

std::optional<std::vector<std::string>> JobInputs::next() {
  if (ended_) return std::nullopt;
  if (streaming_) {
    const auto end = buffer_.find(separator_, std::max(at_, without_end_));
    if (end == buffer_.npos && !(stream_ended_ && at_ < buffer_.size())) {
      ended_ = stream_ended_;
      without_end_ = buffer_.size();
      return std::nullopt;
    }
    std::string input = buffer_.substr(at_, end == buffer_.npos ? end : end - at_);
    check_input(input, "-");
    at_ = end == buffer_.npos ? buffer_.size() : end + 1;
    given_++;
    return std::vector<std::string>{std::move(input)};
  }
  std::vector<std::string> inputs(sources());
  std::size_t rest = position_++, source = inputs.size();
  for (auto group = groups_.rbegin(); group != groups_.rend(); ++group) {
    const std::size_t size = (*group)[0].size();
    for (std::size_t i = group->size(); i-- > 0;) inputs[--source] = (*group)[i][rest % size];
    rest /= size;
  }
  ended_ = position_ == combinations_;
  return inputs;
}

std::optional<std::size_t> JobInputs::total() const {
  if (!streaming_) return combinations_;
  return ended_ ? std::optional(given_) : std::nullopt;
}

int JobInputs::descriptor() const { return streaming_ && !stream_ended_ ? STDIN_FILENO : -1; }

void JobInputs::read_some() {
  std::array<char, 65536> chunk;
  const ssize_t n = read(STDIN_FILENO, chunk.data(), chunk.size());
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n < 0) throw Error("cannot read standard input: " + std::generic_category().message(errno));
  buffer_.erase(0, at_);
  without_end_ -= std::min(at_, without_end_);
  at_ = 0;
  buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  stream_ended_ = n == 0;
}

}  // namespace cohort::cli
