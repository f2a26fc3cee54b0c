#pragma once

// What each of the programs beside this includes: precompiled, as there are many.

#include <any>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

#include <cohort/cohort.hpp>

using namespace std::chrono_literals;
