#pragma once

#include "report.hpp"

/// 10 000 tasks of 100 us on two workers, over the ideal time: pmap beside OpenMP and a hand-written master.
void map_tasks(Report& report, int rounds);
