#include <clocale>
#include <cohort/cohort.hpp>
#include <cstdio>
#include <iostream>
// LC_ALL=de_DE.UTF-8 ./decimal_comma      (any locale with a decimal comma)
int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");  // as GUI toolkits and many command line programs do
  cohort::Session session(argc, argv);
  std::cout << "decimal point '" << std::localeconv()->decimal_point << "'\n"
            << cohort::ClusterFile::parse(
                   R"({"version": 1, "managers": [], "timeouts": {"connect": "0.9s", "launch": "1.5m"}})", "text")
                   .to_json()
            << std::endl;  // with a comma: connect 0s, launch 1m
}
