#include "base/stopped_process.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace cohort {

bool is_stopped_process(int ospid) {
  std::ostringstream text;
  text << std::ifstream("/proc/" + std::to_string(ospid) + "/stat").rdbuf();
  const std::string stat = text.str();
  const auto name_end = stat.rfind(") ");  // the name may hold anything
  return name_end != stat.npos && stat.size() > name_end + 2 &&
         (stat[name_end + 2] == 'T' || stat[name_end + 2] == 't');
}

}  // namespace cohort
