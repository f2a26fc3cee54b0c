// cohort explain: what the managers of batch systems do about their jobs, and why.

#include <memory>
#include <string>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "../command.hpp"
#include "../exit_code.hpp"
#include "../output.hpp"
#include "batch/journal.hpp"
#include "found_records.hpp"

namespace cohort::cli {
namespace {

using State = FoundRecord::State;

constexpr std::size_t longest_line = 1200;

std::string line(const std::string& indent, const std::string& text) {
  return indent + excerpt(text, longest_line) + '\n';
}

void explain_one(const cohort::batch::ClusterRecord& record) {
  std::string text = summary_of(record) + '\n';
  const auto journal = cohort::batch::JournalText::read(record.files);
  if (!journal.state.empty()) {
    text += line("  at ", journal.as_of + ':');
    for (const auto& one : journal.state) text += line("    ", one);
  }
  for (const auto& note : journal.notes) text += line("  ", note);
  write_results(text);
}

int explain(const std::string& name) {
  bool good = true, nothing = true;
  for (const auto& found : find_records()) {
    if (!name.empty() && found.name != name) continue;
    if (found.state == State::refused) {
      print_message("the record " + found.path.string() + " is not read: " + found.problem);
      good = nothing = false;
    }
    if (found.state != State::held) continue;
    nothing = false;
    try {
      if (found.record.name.empty()) throw Error(found.problem);
      explain_one(found.record);
    } catch (const std::exception& error) {
      print_message(found.name + ": " + error.what());
      good = false;
    }
  }
  if (nothing && !name.empty())
    throw Error("no cluster " + excerpt(name) +
                " runs, whose workers are jobs. 'cohort explain' shows which there are");
  if (nothing) write_results("no cluster runs, whose workers are jobs\n");
  return good ? ok : operation_failed;
}

}  // namespace

Command explain_command() {
  auto name = std::make_shared<std::string>();
  return {.name = "explain",
          .help = "Tell what is done about the jobs of running clusters, and why",
          .flags = {{"name", name.get(), "Only the cluster whose jobs have this name", "NAME"}},
          .action = [name](const auto&) { return explain(*name); },
          .footer = "Of this user's programs on hosts that share this home directory, and the files of the jobs."};
}

}  // namespace cohort::cli
