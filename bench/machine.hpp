#pragma once

#include <string>
#include <utility>
#include <vector>

/// A round trip between two spinning threads on two CPUs, in microseconds: about 0.1 where they are near each other,
/// several times that where they are far. A virtual machine may change from one to the other at any moment, and with it
/// every figure that has a wake-up in it, by three times. Takes a few milliseconds. 0 where there is only one CPU.
double spinning_round_trip();

/// What a reader needs to know of the machine to judge figures: name and text.
std::vector<std::pair<std::string, std::string>> machine_facts();
