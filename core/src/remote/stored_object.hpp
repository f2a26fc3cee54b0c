#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include "remote/reference.hpp"

namespace cohort::detail {

/// An object that stays in the process that made it; other processes have only its id.
class StoredObject final : public Reference {
 public:
  StoredObject(std::shared_ptr<References> references, RefId ref_id, Pid owner_pid,
               std::shared_ptr<void> object = nullptr, const std::type_info* type = nullptr)
      : Reference(std::move(references), ref_id, owner_pid), object_(std::move(object)), type_(type) {}

  /// @throws Error if it is not here, or of another type.
  std::shared_ptr<void> object(const std::type_info& type) const;

 private:
  const std::shared_ptr<void> object_;  // null: it is elsewhere
  const std::type_info* const type_;
};

}  // namespace cohort::detail
