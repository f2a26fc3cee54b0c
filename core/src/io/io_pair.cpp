#include <cohort/error.hpp>
#include <cohort/io_pair.hpp>

namespace cohort {

Reader::~Reader() = default;
Writer::~Writer() = default;

// A half with a descriptor is polled and needs no callback. One without must override this, else its first -EAGAIN
// would be waited on for ever.
void Reader::on_readable(std::function<void()>) {
  if (descriptor() < 0) throw Error("a Reader without a descriptor must override on_readable()");
}

void Writer::on_writable(std::function<void()>) {
  if (descriptor() < 0) throw Error("a Writer without a descriptor must override on_writable()");
}

}  // namespace cohort
