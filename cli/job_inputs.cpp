#include "job_inputs.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <system_error>

#include <cohort/error.hpp>

#include "exit_code.hpp"

namespace cohort::cli {
namespace {

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file);
    if (!opened) throw Error("cannot read " + file + ": " + std::generic_category().message(errno));
  }
  std::istream& input = file == "-" ? std::cin : opened;
  std::vector<std::string> lines;
  for (std::string line; std::getline(input, line);) lines.push_back(std::move(line));
  if (input.bad()) throw Error("cannot read " + file + ": " + std::generic_category().message(errno));
  return lines;
}

bool separates(const std::string& word) { return word == ":::" || word == "::::"; }

}  // namespace

JobInputs::JobInputs(std::vector<std::string>& words, const std::vector<std::string>& files) {
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
  for (const auto& file : files) sources_.push_back(lines_of(file));
  for (std::size_t i = 0; i < rest.size();) {
    const bool lists_files = rest[i] == "::::";
    std::vector<std::string> values;
    for (i++; i < rest.size() && !separates(rest[i]); i++) {
      if (lists_files)
        sources_.push_back(lines_of(rest[i]));
      else
        values.push_back(rest[i]);
    }
    if (!lists_files) sources_.push_back(std::move(values));
  }
  combinations_ = 1;
  for (const auto& source : sources_) {
    if (__builtin_mul_overflow(combinations_, source.size(), &combinations_))
      throw Error("there are more combinations of the inputs than can be counted");
  }
  ended_ = combinations_ == 0;
}

std::optional<std::vector<std::string>> JobInputs::next() {
  if (ended_) return std::nullopt;
  if (streaming_) {
    const auto end = buffer_.find('\n', at_);
    if (end == buffer_.npos && !(stream_ended_ && at_ < buffer_.size())) {
      ended_ = stream_ended_;
      return std::nullopt;
    }
    std::vector<std::string> line{buffer_.substr(at_, end == buffer_.npos ? end : end - at_)};
    at_ = end == buffer_.npos ? buffer_.size() : end + 1;
    given_++;
    return line;
  }
  std::vector<std::string> inputs(sources_.size());
  std::size_t rest = position_++;
  for (std::size_t i = sources_.size(); i-- > 0; rest /= sources_[i].size())
    inputs[i] = sources_[i][rest % sources_[i].size()];
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
  at_ = 0;
  buffer_.append(chunk.data(), static_cast<std::size_t>(n));
  stream_ended_ = n == 0;
}

}  // namespace cohort::cli
