// A channel with keys: a dictionary that lives on one worker. Its take() waits until somebody has put that key.
//   cohort run -p 2 build/release/bin/dictionary_channel

#include <iostream>
#include <map>
#include <mutex>
#include <string>

#include <cohort/cohort.hpp>

class Dictionary {
 public:
  void put(const std::string& key, int value) { at(key).put(value); }
  int fetch(const std::string& key) { return at(key).fetch(); }
  int take(const std::string& key) { return at(key).take(); }
  bool is_ready(const std::string& key) { return at(key).is_ready(); }

 private:
  cohort::Channel<int> at(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.try_emplace(key, 1).first->second;  // one value for each key; a second put waits
  }
  std::mutex mutex_;
  std::map<std::string, cohort::Channel<int>> values_;
};

using SharedDictionary = cohort::RemoteStore<Dictionary>;

int add(const SharedDictionary& numbers) {
  return numbers.call<&Dictionary::take>("left") + numbers.call<&Dictionary::take>("right");
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(2);
  const auto workers = cohort::workers();

  auto numbers = SharedDictionary::on(workers.front());
  auto sum = cohort::remotecall(cohort::fn<add>, workers.back(), numbers);  // waits for both keys

  numbers.call<&Dictionary::put>("right", 40);
  std::cout << "the sum is " << (sum.is_ready() ? "" : "not ") << "ready\n";
  numbers.call<&Dictionary::put>("left", 2);
  std::cout << "left + right = " << sum.fetch() << '\n';
  std::cout << "left is " << (numbers.call<&Dictionary::is_ready>("left") ? "still there" : "taken") << '\n';
}
