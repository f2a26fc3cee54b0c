#pragma once

#include <string>
#include <utility>

#include "membership/requests.hpp"
#include "remote/messages.hpp"

namespace cohort {

/// A request whose answer a thread waits for, by its completion.
struct Answered final : Request {
  bool lost = false;
  bool refused = false;  ///< the body is an exception
  Bytes body;
  void on_result(Frame&& frame) noexcept override {
    refused = frame.header.flags == result_exception;
    body = std::move(frame.body);
  }
  void on_lost(const std::string&) noexcept override { lost = true; }
};

}  // namespace cohort
