#pragma once

#include <cohort/cohort.hpp>

#include "floors.hpp"
#include "report.hpp"

/// How much a group measures.
struct Setting {
  int rounds;   ///< alternating rounds; medians are taken over them
  int largest;  ///< workers of the largest cluster that is started
  bool quick;   ///< only what fits into a few seconds
};

/// A process that answers as the floors do, and two workers: one connected by TCP, as the floors are, and one by what
/// is the default on one host.
struct Processes {
  Processes();
  ~Processes();

  floors::Peer peer;
  cohort::Pid by_tcp, by_default;
};

/// Each measures one subject and adds its rows.
void round_trips(Report& report, const Setting& setting);
void variants(Report& report, const Setting& setting);
void throughput(Report& report, const Setting& setting);
void responsiveness(Report& report, const Setting& setting);
void bulk(Report& report, const Setting& setting);
void bulk_to_all(Report& report, const Setting& setting);
void threads(Report& report, const Setting& setting);
void channels(Report& report, const Setting& setting);
void map_tasks(Report& report, const Setting& setting);
void map_empty_items(Report& report, const Setting& setting);
void memory(Report& report, const Setting& setting);
void on_all(Report& report, const Setting& setting);
void launch(Report& report, const Setting& setting);
void deaths(Report& report, const Setting& setting);
void idle(Report& report, const Setting& setting);
void commands(Report& report, const Setting& setting);
void growth(Report& report, const Setting& setting);
void peers(Report& report, const Setting& setting);

/// No-op calls to `worker` whose results are fetched in order, `open` behind the newest. One sample: the time of all.
Samples pipelined(cohort::Pid worker, int count, int open);
/// In MiB, of a process: its share of the memory that it uses (proportional set size), or of that only what it has
/// allocated.
double pss_of(int process);
double allocated_by(int process);
