#include "base/stopped_process.hpp"

#include <string>

#include "base/system_file.hpp"

namespace cohort {

bool is_stopped_process(int ospid) {
  const std::string stat = read_system_file("/proc/" + std::to_string(ospid) + "/stat");
  const auto name_end = stat.rfind(") ");  // the name may hold anything
  return name_end != stat.npos && stat.size() > name_end + 2 &&
         (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
}

}  // namespace cohort
