#pragma once

#include <string>

#include <cohort/error.hpp>

namespace cohort::test {

/// What the Error says that `call` throws, or "no error".
template <class Call>
std::string message_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace cohort::test
