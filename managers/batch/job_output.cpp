#include "job_output.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <cohort/detail/text.hpp>

namespace cohort::batch {

namespace {

std::string last_bytes(const std::filesystem::path& output, std::streamoff most) {
  std::ifstream file(output, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  file.seekg(std::max<std::streamoff>(0, size - most));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (size > most) text.erase(0, text.find('\n') + 1);  // a part of a line
  return text;
}

}  // namespace

std::string printed_by(const std::filesystem::path& output) { return last_bytes(output, 4 << 20); }

std::string what_it_printed(const std::filesystem::path& output) {
  constexpr std::streamoff most = 1500;
  std::string text = last_bytes(output, most);
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) return "";
  return ". It printed:\n" + cohort::excerpt(text, static_cast<std::size_t>(most), true);
}

}  // namespace cohort::batch
