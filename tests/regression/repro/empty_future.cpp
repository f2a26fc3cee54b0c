// empty_future CASE: every operation of an empty or moved-from Future; all of fetch … bind end by signal 11. Expected:
// cohort::Error that says so.
#include <cohort/cohort.hpp>
#include <functional>
#include <iostream>
#include <map>
using namespace std::chrono_literals;
int one(int a) { return a; }
int take(cohort::Future<int> f) { return f.fetch(); }
struct W {
  int a = 0;
  cohort::Future<int> f;
};
int takew(const W& w) { return w.a; }
int main(int argc, char** argv) {
  cohort::Session s(argc, argv);
  auto pid = cohort::addprocs(1)[0];
  std::map<std::string, std::function<void()>> m;
  m["fetch"] = [] {
    cohort::Future<int> x;
    x.fetch();
  };
  m["wait"] = [] {
    cohort::Future<int> x;
    x.wait();
  };
  m["wait_for"] = [] {
    cohort::Future<int> x;
    x.wait_for(1s);
  };
  m["ready"] = [] {
    cohort::Future<int> x;
    std::cout << x.is_ready();
  };
  m["cancel"] = [] {
    cohort::Future<int> x;
    x.cancel();
  };
  m["owner"] = [] {
    cohort::Future<int> x;
    std::cout << x.owner();
  };
  m["put"] = [] {
    cohort::Future<int> x;
    x.put(3);
  };
  m["then"] = [] {
    cohort::Future<int> x;
    x.then([](cohort::Future<int>) { return 1; });
  };
  m["moved"] = [pid] {
    auto x = cohort::remotecall(cohort::fn<one>, pid, 1);
    auto y = std::move(x);
    std::cout << y.fetch();
    std::cout << x.fetch();
  };
  m["send"] = [pid] {
    cohort::Future<int> x;
    cohort::remotecall_fetch(cohort::fn<take>, pid, x);
  };
  m["sendw"] = [pid] {
    W w;
    std::cout << cohort::remotecall_fetch(cohort::fn<takew>, pid, w);
  };
  m["when_all"] = [] {
    std::vector<cohort::Future<int>> v(2);
    cohort::when_all(v).fetch();
  };
  m["when_any"] = [] {
    std::vector<cohort::Future<int>> v(2);
    cohort::when_any(v).fetch();
  };
  m["when_any_empty"] = [] {
    std::vector<cohort::Future<int>> v;
    cohort::when_any(v).fetch();
  };
  m["finalize"] = [] {
    cohort::Future<int> x;
    cohort::finalize(x);
  };
  m["chan"] = [] {
    cohort::RemoteChannel<int> x;
    x.take();
  };
  m["store"] = [] {
    cohort::RemoteStore<std::string> x;
    std::cout << x.owner();
  };
  m["channel_bind"] = [] {
    cohort::Channel<int> c(1);
    cohort::Future<int> f;
    cohort::bind(c, f);
  };
  try {
    m.at(argv[1])();
    std::cout << " returned\n";
  } catch (const std::exception& e) {
    std::cout << typeid(e).name() << ": " << e.what() << '\n';
  }
}
