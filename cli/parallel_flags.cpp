#include "parallel_flags.hpp"

#include <algorithm>
#include <string_view>

namespace cohort::cli {
namespace {

struct Advice {
  std::string_view flags;  // with blanks between
  std::string_view text;
};

// Only what has to be said otherwise here: flags that are the same in both are not flags we do not know.
constexpr Advice advices[] = {
    {"-P --max-procs", "-p N says how many workers there are, -j N how many jobs each of them runs at once"},
    {"-S --sshlogin --slf --sshloginfile", "workers on other machines: -m ssh -o machines=node1,node2, or -f FILE"},
    {"--wd --workdir", "the manager's option 'dir': -o dir=PATH"},
    {"--env --record-env --profile -J", "the manager's option 'env': -o 'env={\"NAME\": \"VALUE\"}'"},
    {"--basefile --bf --transferfile --tf --transfer --return --cleanup --trc",
     "files are not copied: use a file system that the workers share, or scp in the command"},
    {"--onall --nonall", "'cohort exec' runs a command once on every worker"},
    {"--bar --eta", "--progress, which says how long it will take"},
    {"--tagstring", "--tag begins each line with the input"},
    {"-d --delimiter", "tr ',' '\\0' | cohort map -0 CMD"},
    {"--colsep -C --header --hdr", "inputs have no columns: give each column as a source, linked: :::: A ::::+ B"},
    {"--link --xapply", "sources go in step with ':::+' or '::::+' instead of ':::' or '::::'"},
    {"--shuf", "shuf | cohort map CMD"},
    {"--pipe --pipepart --pipe-part --block --recstart --recend --rrs --cat --fifo --round-robin --round --roundrobin "
     "--spreadstdin",
     "standard input is not parted among jobs: split it into files, and give these as inputs"},
    {"-N -n --max-args --max-replace-args -X -m --xargs -s --max-chars --max-lines -l -i --replace -I --rpl -U --plus",
     "a job has one input of each source, and {} is where it stands"},
    {"--dry-run --dryrun", "put echo before the command: cohort map -k -- echo CMD {} ::: INPUTS"},
    {"--resume --resume-failed --retry-failed",
     "a run is not taken up again: the job log says by number which inputs were done, leave these out"},
    {"--results --files --outputasfiles --tmpdir --compress",
     "let each job write its file: --shell -- 'CMD {} > {/}.out'; what is printed waits in a file in $TMPDIR"},
    {"-u --ungroup --lb --line-buffer --linebuffer --latest-line",
     "the output of a job comes when it ends; 'cohort exec' prints lines as they come"},
    {"--group", "leave it out: the output of a job is always together"},
    {"-q --quote", "leave it out: without --shell each word is one argument"},
    {"-r --no-run-if-empty --silent --will-cite --citation --bibtex --gnu", "leave it out"},
    {"-v -t --verbose --interactive", "the job log has the commands: --joblog FILE"},
    {"--arg-sep --argsep --arg-file-sep --argfilesep -E --eof -e --trim", "inputs are taken as they are, behind ':::'"},
    {"--delay --memfree --memsuspend --noswap --limit --swap",
     "jobs start as soon as a worker is free; -p and -j say how many run at once"},
    {"--nice", "put nice before the command"},
    {"--use-cores-instead-of-threads --use-cpus-instead-of-cores --use-sockets-instead-of-threads", "-p N"},
    {"-x --exit --halt-on-error", "--halt soon, or --halt now"},
    {"--semaphore --id --wait --fg --bg --tmux --tmuxpane --sqlmaster --sqlworker --sql --shebang --template "
     "--filter --termseq --unsafe --ctag --ctagstring --color --hostgroups --hgrp --controlmaster --ssh --sshdelay "
     "--filter-hosts --progress-bar --number-of-cpus --number-of-cores --minversion --seqreplace --joblog-sep",
     "GNU parallel has it, 'cohort map' has nothing like it"},
};

}  // namespace

std::string advice_for_parallel_flag(const std::string& flag) {
  const bool is_long = flag.starts_with("--");
  const std::string name = is_long ? flag.substr(0, flag.find('=')) : flag.substr(0, 2);
  for (const Advice& advice : advices) {
    std::string_view left = advice.flags;
    while (!left.empty()) {
      const auto end = std::min(left.find(' '), left.size());
      if (left.substr(0, end) == name) return std::string(advice.text);
      left.remove_prefix(std::min(end + 1, left.size()));
    }
  }
  return {};
}

}  // namespace cohort::cli
