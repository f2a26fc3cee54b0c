// A take that gave up eats the next item: RemoteStore (Dictionary of examples/dictionary_channel.cpp), and a
// RemoteChannel over an AbstractChannel. A plain RemoteChannel for comparison.
#include <cohort/cohort.hpp>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>
using namespace cohort;
using namespace std::chrono_literals;
class Dictionary {
 public:
  void put(const std::string& key, int value) { at(key).put(value); }
  int take(const std::string& key) { return at(key).take(); }

 private:
  Channel<int> at(const std::string& key) {
    std::lock_guard lock(mutex_);
    return values_.try_emplace(key, 1).first->second;
  }
  std::mutex mutex_;
  std::map<std::string, Channel<int>> values_;
};
struct Own : AbstractChannel<int> {
  Channel<int> c{4};
  void put(int v) override { c.put(v); }
  int take() override { return c.take(); }
  int fetch() override { return c.fetch(); }
  void wait() override { c.wait(); }
  bool is_ready() override { return c.is_ready(); }
  std::size_t size() override { return c.size(); }
  bool is_open() override { return c.is_open(); }
  void close(std::exception_ptr r) override { c.close(r); }
};
template <class F>
bool times_out(F f) {
  try {
    f();
    return false;
  } catch (const TimeoutError&) {
    return true;
  }
}
int main(int argc, char** argv) {
  Session session(argc, argv);
  addprocs(1);
  int lost[3] = {0, 0, 0};
  const int rounds = 50;
  for (int i = 0; i < rounds; i++) {
    auto words = RemoteStore<Dictionary>::on(2);
    if (!times_out([&] { words.call_with<&Dictionary::take>({.deadline = 50ms}, "one"); })) std::cout << "?";
    if (argc > 1) std::this_thread::sleep_for(std::chrono::milliseconds(atoi(argv[1])));
    words.call<&Dictionary::put>("one", 1);
    lost[0] += times_out([&] { words.call_with<&Dictionary::take>({.deadline = 300ms}, "one"); });
    RemoteChannel<int> own([] { return std::make_shared<Own>(); }, 2);
    if (!times_out([&] { own.take({.deadline = 50ms}); })) std::cout << "?";
    if (argc > 1) std::this_thread::sleep_for(std::chrono::milliseconds(atoi(argv[1])));
    own.put(1);
    lost[1] += times_out([&] { own.take({.deadline = 300ms}); });
    RemoteChannel<int> plain(4, 2);
    if (!times_out([&] { plain.take({.deadline = 50ms}); })) std::cout << "?";
    plain.put(1);
    lost[2] += times_out([&] { plain.take({.deadline = 300ms}); });
  }
  std::cout << "lost of " << rounds << ": RemoteStore " << lost[0] << ", own channel " << lost[1]
            << ", plain RemoteChannel " << lost[2] << "\n";
}
