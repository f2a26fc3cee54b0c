// Ssh hosts that go away, and masters that do.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>

#include "ssh_hosts.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

class SshFailuresTest : public SshHostsTest {};

constexpr Duration dead = 1500ms;

AddprocsOptions impatient() {
  AddprocsOptions how;
  how.timeouts =
      Timeouts{.heartbeat = 100ms, .suspect = 500ms, .dead = dead, .shutdown = 300ms, .term = 300ms, .kill = 300ms};
  return how;
}

int busy_square(int number) {
  for (const auto end = Clock::now() + 10ms; Clock::now() < end;) {
  }
  return number * number;
}

// Squares many numbers on all workers; something happens when the first of them are done.
void map_while(const std::function<void()>& something_happens) {
  std::vector<int> numbers(150);
  std::iota(numbers.begin(), numbers.end(), 1);
  PmapOptions<int, int> options;
  options.batch_size = 1;
  options.retry_delays = {0s, 0s, 0s};
  options.progress = [&](std::size_t done, std::size_t) {
    if (done == 20) something_happens();
  };
  const auto squares = pmap(fn<busy_square>, numbers, options);
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(squares.at(i), numbers[i] * numbers[i]);
}

TEST_F(SshFailuresTest, AMapGoesOnWithoutTheHostThatWasCutOff) {
  HostBed& bed = start_hosts(4);
  SKIP_UNLESS_ISOLATED(bed);
  add_ssh_workers(ssh_options(bed), impatient());
  map_while([&] { bed.cut(bed[2]); });
  EXPECT_TRUE(eventually([] { return nworkers() == 3; }, dead + slack));
  // The worker over there hears nothing of its master either.
  EXPECT_TRUE(eventually([&] { return bed.processes(bed[2]).empty(); }, dead + slack));
}

TEST_F(SshFailuresTest, AMapGoesOnWithoutTheHostThatIsFrozen) {
  HostBed& bed = start_hosts(4);
  SKIP_UNLESS_ISOLATED(bed);
  add_ssh_workers(ssh_options(bed), impatient());
  map_while([&] { bed.freeze(bed[1]); });
  EXPECT_TRUE(eventually([] { return nworkers() == 3; }, dead + slack));
  bed.thaw(bed[1]);
  EXPECT_TRUE(eventually([&] { return bed.processes(bed[1]).empty(); }, dead + slack));
}

TEST_F(SshFailuresTest, AMapGoesOnWithoutTheHostThatLostItsPowerWhichMayComeBack) {
  HostBed& bed = start_hosts(4);
  SKIP_UNLESS_ISOLATED(bed);
  add_ssh_workers(ssh_options(bed), impatient());
  map_while([&] { bed.power_off(bed[0]); });
  EXPECT_TRUE(eventually([] { return nworkers() == 3; }, dead + slack));
  bed.boot(bed[0]);
  auto options = ssh_options(bed);
  options["machines"] = {bed[0].machine()};
  EXPECT_EQ(add_ssh_workers(options).size(), 1);
  EXPECT_EQ(nworkers(), 4);
}

TEST_F(SshFailuresTest, WorkersOfATunnelAreGoneWithTheirHost) {
  HostBed& bed = start_hosts(3);
  SKIP_UNLESS_ISOLATED(bed);
  auto options = ssh_options(bed, 2);
  options["tunnel"] = true;
  add_ssh_workers(options, impatient());
  map_while([&] { bed.power_off(bed[1]); });
  EXPECT_TRUE(eventually([] { return nworkers() == 4; }, dead + slack));
}

// As many ends as a master may have: by an accident, with connections that are closed for it by the kernel, and with
// its own host, of which nothing more is heard.
class SshMasterTest : public testing::Test {
 protected:
  // A master of its own process, whose workers all run `sleep 1000`.
  static ChildProcess start_master(HostBed& bed) {
    SpawnOptions spawn;
    spawn.command = {COHORT_TOOL, "exec",
                     "-m",        "ssh",
                     "--options", ssh_options(bed, 2).dump(),
                     "--set",     "timeouts.heartbeat=100ms",
                     "--set",     "timeouts.suspect=500ms",
                     "--set",     "timeouts.dead=1500ms",
                     "--",        "sleep",
                     "1000"};
    ChildProcess master = ChildProcess::spawn(spawn);
    EXPECT_TRUE(eventually([&] {
      std::size_t sleepers = 0;
      for (const std::string& line : processes_on(bed)) sleepers += line.ends_with("sleep 1000") ? 1 : 0;
      return sleepers == 2 * bed.hosts().size();
    }));
    return master;
  }
  /// @param timeout what has to run out before the workers leave.
  static bool nothing_is_left(HostBed& bed, Duration timeout) {
    return eventually([&] { return processes_on(bed).empty(); }, timeout + slack);
  }
};

TEST_F(SshMasterTest, NothingIsLeftOnAnyHostOfOneThatWasKilled) {
  HostBed bed(3);
  ChildProcess master = start_master(bed);
  master.signal(SIGKILL);
  EXPECT_TRUE(nothing_is_left(bed, 0s)) << testing::PrintToString(processes_on(bed));  // the connections are closed
}

TEST_F(SshMasterTest, NothingIsLeftOnAnyHostOfOneThatIsInterrupted) {
  HostBed bed(3);
  ChildProcess master = start_master(bed);
  master.signal(SIGINT);
  const Timeouts defaults;
  EXPECT_TRUE(master.wait_until(deadline_after(defaults.shutdown + defaults.term + defaults.kill + slack)));
  EXPECT_TRUE(nothing_is_left(bed, 0s)) << testing::PrintToString(processes_on(bed));
}

TEST_F(SshMasterTest, NothingIsLeftOnAHostThatWasCutOff) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  ChildProcess master = start_master(bed);
  bed.cut(bed[0]);
  EXPECT_TRUE(eventually([&] { return bed.processes(bed[0]).empty(); }, dead + slack))
      << testing::PrintToString(processes_on(bed));
  master.signal(SIGKILL);
  EXPECT_TRUE(nothing_is_left(bed, 0s)) << testing::PrintToString(processes_on(bed));
}

TEST_F(SshMasterTest, NothingIsLeftOnAnyHostOfOneWhoseHostIsGone) {
  HostBed bed(2);
  SKIP_UNLESS_ISOLATED(bed);
  ChildProcess master = start_master(bed);
  for (const SshHost& host : bed.hosts()) bed.cut(host);  // they hear nothing of its end
  master.signal(SIGKILL);
  EXPECT_TRUE(nothing_is_left(bed, dead)) << testing::PrintToString(processes_on(bed));
}

}  // namespace
}  // namespace cohort::test
