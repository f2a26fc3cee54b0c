#include "remote/stored_object.hpp"

#include <string>

#include <cohort/detail/channels.hpp>

#include "remote/call_context.hpp"
#include "remote/references.hpp"

namespace cohort::detail {

std::shared_ptr<void> StoredObject::object(const std::type_info& type) const {
  if (object_ == nullptr) {
    throw Error(owned_here() ? "Local instance of remote reference not found"
                             : "the object is on process " + std::to_string(owner));
  }
  if (*type_ != type) throw BadMessage("a reference to an object of another type than was expected");
  return object_;
}

ReferencePtr make_object(std::shared_ptr<void> object, const std::type_info& type) {
  References& references = *CurrentNode::get().references;
  return std::make_shared<StoredObject>(references.shared_from_this(), references.new_name(ReferenceKind::object),
                                        references.router().self(), std::move(object), &type);
}

Pid object_owner(const Reference& reference) { return reference.owner; }

std::shared_ptr<void> local_object(const ReferencePtr& reference, const std::type_info& type) {
  return reference_as<StoredObject>(reference)->object(type);
}

}  // namespace cohort::detail
