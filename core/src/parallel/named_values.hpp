#pragma once

#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/named_value.hpp>

namespace cohort {

/// One state of a named value. It is sent without the object.
struct NamedValue {
  std::string name;
  std::string type;                        // mangled
  std::uint64_t version = 0;               // rises with each change of the value, given by the master
  std::shared_ptr<const Payload> payload;  // null: there is no value
  std::shared_ptr<const void> object;      // decoded, where it is
  const std::type_info* object_type = nullptr;

  void save(OutArchive& archive) const;
  void load(InArchive& archive);
};

/// A hash of 32 bytes that identifies the value.
std::string digest_of(const NamedValue& value);

/// The named values of one process. Any thread.
class NamedValues {
 public:
  /// Stores a received value. It is ignored if it is older than the present one.
  void put(NamedValue value);
  /// Returns the value as an object, decoded at the first get. @throws Error if there is none, or if it has another
  /// type.
  std::shared_ptr<const void> get(const std::string& name, const std::type_info& type, detail::Decoder decode);

 private:
  /// Replaced as a whole when the value changes.
  struct Entry {
    explicit Entry(NamedValue&& value);
    const std::string type;
    const std::uint64_t version;
    const bool there;        // else: cleared
    detail::Mutex decoding;  // held while the value's own code decodes it
    std::shared_ptr<const Payload> payload COHORT_GUARDED_BY(decoding);
    std::shared_ptr<const void> object COHORT_GUARDED_BY(decoding);
    const std::type_info* object_type COHORT_GUARDED_BY(decoding);
  };
  std::shared_ptr<Entry> find(const std::string& name);

  detail::Mutex mutex_;  // no other lock is taken while it is held
  std::map<std::string, std::shared_ptr<Entry>> entries_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
