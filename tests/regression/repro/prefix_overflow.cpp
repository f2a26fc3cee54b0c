// A channel item whose encoding has 2^32-1-k bytes: Bytes allows it, but channel put adds 12 bytes of prefix, and
// Connection::send casts the sum to u32.
#include <cohort/cohort.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
using namespace std::chrono_literals;
using namespace cohort;
struct Exact {  // encodes to exactly `bytes` bytes: u64 + pieces + single bytes
  std::uint64_t bytes = 0;
  std::uint64_t got = 0;
  void save(OutArchive& a) const {
    std::uint64_t left = bytes - 8;
    a(bytes);
    const std::string piece(8000, '\0');
    while (left >= 8008) {
      a(piece);
      left -= 8008;
    }
    while (left > 0) {
      a(std::uint8_t(0));
      left--;
    }
  }
  void load(InArchive& a) {
    a(bytes);
    std::uint64_t left = bytes - 8;
    std::string piece;
    std::uint8_t c;
    while (left >= 8008) {
      a(piece);
      left -= 8008;
    }
    while (left > 0) {
      a(c);
      left--;
    }
    got = bytes;
  }
};
int main(int argc, char** argv) {
  Session session(argc, argv);
  const std::uint64_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 0xffffffffull;
  const std::string what = argc > 2 ? argv[2] : "channel";
  auto pids = addprocs(1);
  try {
    if (what == "channel") {
      RemoteChannel<Exact> c(4, pids[0]);
      c.put(Exact{n, 0}, {.deadline = 100s});
      std::cout << "put done; size " << c.size() << std::endl;
      Exact e = c.take({.deadline = 100s});
      std::cout << "took " << e.got << std::endl;
    }
    if (what == "future") {
      Future<Exact> f(pids[0]);
      f.put(Exact{n, 0});
      std::cout << "put done" << std::endl;
      std::cout << remotecall_fetch(
                       {.deadline = 100s}, [](Future<Exact> f) { return f.fetch().got; }, pids[0], f)
                << std::endl;
    }
    if (what == "call") {
      std::cout << remotecall_fetch(
                       {.deadline = 100s}, [](const Exact& e) { return e.got; }, pids[0], Exact{n, 0})
                << std::endl;
    }
    if (what == "callf") {
      std::cout << remotecall([](const Exact& e) { return e.got; }, pids[0], Exact{n, 0}).fetch({.deadline = 100s})
                << std::endl;
    }
    if (what == "take_some") {
      RemoteChannel<Exact> c(4, pids[0]);
      remotecall_fetch([](RemoteChannel<Exact> c, std::uint64_t n) { c.put(Exact{n, 0}); }, pids[0], c, n);
      std::cout << "put" << std::endl;
      auto e = c.take_some(3, {.deadline = 100s});
      std::cout << "took " << e.size() << std::endl;
    }
    if (what == "setvalue") {
      set_value("x", Exact{n, 0});
      std::cout << "set" << std::endl;
      std::cout << remotecall_fetch(
                       {.deadline = 100s}, [] { return value<Exact>("x")->got; }, pids[0])
                << std::endl;
    }
  } catch (const std::exception& e) {
    std::cout << typeid(e).name() << ": " << std::string(e.what()).substr(0, 500) << std::endl;
  }
  try {
    std::cout << "afterwards: "
              << remotecall_fetch(
                     {.deadline = 10s}, [](int x) { return x + 1; }, pids[0], 41)
              << std::endl;
  } catch (const std::exception& e) {
    std::cout << "afterwards " << typeid(e).name() << ": " << e.what() << std::endl;
  }
}
