// Modules and named values as programs see them.

#include <cohort/error.hpp>
#include <cohort/module.hpp>
#include <cohort/named_value.hpp>
#include <cohort/remotecall.hpp>

#include "node/session.hpp"

namespace cohort {

void load_module(const std::string& path) {
  Master* master = master_or_null();
  if (master == nullptr) {
    CurrentNode::get();  // says what is missing when there is no session at all
    throw Error("Only process 1 can load modules");
  }
  const auto module = detail::identify_module(path);
  const auto file = detail::read_module(module);
  if (!detail::load_from_path(module)) detail::load_from_bytes(module, file.span());
  master->replicated_state().add_module(module, file);
}

namespace {

// On the master, for whichever process asks.

void publish(NamedValue value) { current_master().replicated_state().set_value(std::move(value)); }

void retract_all() { current_master().replicated_state().clear(); }
void retract(const std::vector<std::string>& names) { current_master().replicated_state().clear(names); }
void retract_from(const std::vector<std::string>& names, const std::vector<Pid>& pids) {
  current_master().replicated_state().clear(names, pids);
}

template <class F, class... A>
void on_master(F function, A&&... arguments) {
  if (master_or_null() != nullptr) return function(std::forward<A>(arguments)...);
  remotecall_fetch(function, master_pid, std::forward<A>(arguments)...);
}

}  // namespace

namespace detail {

void set_value(const std::string& name, std::shared_ptr<const void> object, const std::type_info& type,
               Payload payload) {
  NamedValue value{.name = name, .type = type.name(), .version = 0};
  value.payload = std::make_shared<const Payload>(std::move(payload));
  value.object = std::move(object);
  value.object_type = &type;
  on_master(fn<publish>, std::move(value));
}

std::shared_ptr<const void> find_value(const std::string& name, const std::type_info& type, Decoder decode) {
  return current_node().values().get(name, type, decode);
}

}  // namespace detail

void clear() { on_master(fn<retract_all>); }
void clear(const std::string& name) { clear(std::vector<std::string>{name}); }
void clear(const std::vector<std::string>& names) { on_master(fn<retract>, names); }
void clear(const std::string& name, const std::vector<Pid>& pids) { clear(std::vector<std::string>{name}, pids); }
void clear(const std::vector<std::string>& names, const std::vector<Pid>& pids) {
  on_master(fn<retract_from>, names, pids);
}

}  // namespace cohort
