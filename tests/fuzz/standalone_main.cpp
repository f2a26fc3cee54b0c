// Drives one LLVMFuzzerTestOneInput without libFuzzer: every corpus file as it is, then mutations of them in a fixed
// order until the time is over. A failure is an abort or a sanitizer's report; the input that caused it is left in the
// file "crash-input" by --save.
//
//   fuzz_NAME [--seconds N] [--save] CORPUS_DIRECTORY_OR_FILE...        COHORT_FUZZ_SECONDS overrides --seconds

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

Input read_input(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Input(std::istreambuf_iterator<char>(file), {});
}

std::vector<Input> read_corpus(const std::vector<std::filesystem::path>& paths) {
  std::vector<std::filesystem::path> files;
  for (const auto& path : paths) {
    if (!std::filesystem::is_directory(path)) {
      files.push_back(path);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Input> corpus;
  for (const auto& file : files) corpus.push_back(read_input(file));
  if (corpus.empty()) corpus.emplace_back();
  return corpus;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Input>& corpus) : corpus_(corpus) {}

  Input next() {
    Input input = pick();
    for (std::size_t i = 0, changes = 1 + below(6); i < changes; ++i) change(input);
    return input;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  const Input& pick() { return corpus_[below(corpus_.size())]; }

  void change(Input& input) {
    const std::size_t at = below(input.size() + 1);
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(7)) {
      case 0:
        if (at < input.size()) input[at] = static_cast<std::uint8_t>(random_());
        break;
      case 1:
        if (at < input.size()) input[at] ^= static_cast<std::uint8_t>(1 << below(8));
        break;
      case 2:
        input.insert(place, static_cast<std::uint8_t>(random_()));
        break;
      case 3:
        input.erase(place,
                    place + static_cast<std::ptrdiff_t>(below(std::min<std::size_t>(input.size() - at, 16) + 1)));
        break;
      case 4:
        input.resize(at);
        break;
      case 5: {  // numbers that sit at a border
        static constexpr std::uint64_t borders[] = {0, 1, 0x7f, 0xff, 0xffff, 0x10000, 0xffffffff, 1ULL << 63, ~0ULL};
        const std::uint64_t number = borders[below(std::size(borders))];
        const std::size_t width = std::min<std::size_t>(std::size_t{1} << below(4), input.size() - at);
        for (std::size_t i = 0; i < width; ++i) input[at + i] = static_cast<std::uint8_t>(number >> (8 * i));
        break;
      }
      case 6: {
        const Input& other = pick();
        const std::size_t from = below(other.size() + 1);
        input.insert(place, other.begin() + static_cast<std::ptrdiff_t>(from), other.end());
        break;
      }
    }
    if (input.size() > 1 << 16) input.resize(1 << 16);
  }

  const std::vector<Input>& corpus_;
  std::mt19937_64 random_{1};
};

}  // namespace

int main(int argc, char** argv) {
  double seconds = 5;
  bool save = false;
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc)
      seconds = std::atof(argv[++i]);
    else if (argument == "--save")
      save = true;
    else
      paths.emplace_back(argument);
  }
  if (const char* text = std::getenv("COHORT_FUZZ_SECONDS")) seconds = std::atof(text);

  const std::vector<Input> corpus = read_corpus(paths);
  for (const Input& input : corpus) LLVMFuzzerTestOneInput(input.data(), input.size());
  Mutator mutator(corpus);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::uint64_t runs = corpus.size();
  for (; std::chrono::steady_clock::now() < end; ++runs) {
    const Input input = mutator.next();
    if (save)
      std::ofstream("crash-input", std::ios::binary).write(reinterpret_cast<const char*>(input.data()), input.size());
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  if (save) std::filesystem::remove("crash-input");
  std::printf("%llu inputs\n", static_cast<unsigned long long>(runs));
}
