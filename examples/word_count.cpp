// Counts the words of files, each file on one of the workers, and shows the most frequent words of all files.
//   cohort run -p 4 build/release/bin/word_count docs/*.md

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

using Counts = std::map<std::string, long>;

Counts words_of(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  Counts counts;
  std::string word;
  for (std::istreambuf_iterator<char> c(file), end; c != end; ++c) {
    if (std::isalpha(static_cast<unsigned char>(*c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    } else if (!word.empty()) {
      counts[word]++;
      word.clear();
    }
  }
  if (!word.empty()) counts[word]++;
  return counts;
}

Counts add(Counts a, const Counts& b) {
  for (const auto& [word, count] : b) a[word] += count;
  return a;
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const std::vector<std::string> paths(argv + 1, argv + argc);
  if (paths.empty()) return std::cerr << "usage: word_count FILE...\n", 2;
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  const auto counts = cohort::distributed_reduce(cohort::fn<add>, paths, cohort::fn<words_of>,
                                                 {.schedule = cohort::Schedule::dynamic, .chunk = 1});
  std::vector<std::pair<long, std::string>> ordered;
  for (const auto& [word, count] : counts) ordered.emplace_back(-count, word);
  std::sort(ordered.begin(), ordered.end());
  for (std::size_t i = 0; i < std::min<std::size_t>(10, ordered.size()); i++)
    std::cout << -ordered[i].first << ' ' << ordered[i].second << '\n';
}
