// Prints the schema, then for each line of standard input, a cluster file, "good" or the first line of what is wrong.

#include <iostream>
#include <string>

#include <cohort/cluster_file.hpp>
#include <cohort/error.hpp>

int main() {
  std::cout << cohort::ClusterFile::schema() << '\n' << "end of schema" << '\n';
  for (std::string line; std::getline(std::cin, line);) {
    try {
      // What is printed as effective must be accepted again, and mean the same.
      std::string effective = cohort::ClusterFile::parse(line, "line").to_json();
      bool stable = cohort::ClusterFile::parse(effective, "effective").to_json() == effective;
      std::cout << (stable ? "good" : "the effective configuration changes when it is read again") << '\n';
    } catch (const cohort::ConfigError& error) {
      std::string text = error.what();
      std::cout << text.substr(0, text.find('\n')) << '\n';
    }
  }
}
