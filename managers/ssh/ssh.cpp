// Workers on other machines, by ssh. See docs/ssh.md.

#include "ssh_manager.hpp"

namespace {

using cohort::OptionType;

constexpr cohort::Option ssh_options[] = {
    {"machines", OptionType::strings, "[]",
     "where: [COUNT*][user@]host[:port] [bind_addr[:port]] [key=value ...]; host may be a list, node[01-16]; keys: "
     "identity, jump, dir, exename, shell, tunnel, advertise, env.NAME",
     nullptr},
    {"machine_file", OptionType::string, nullptr, "file with one machine a line, as in machines", nullptr},
    {"count", OptionType::count, nullptr,
     "number of workers in all, dealt out over the machines; auto: one per CPU of each (default: each machine's COUNT, "
     "1)",
     nullptr, 0, 100000},
    {"user", OptionType::string, nullptr, "whom to log in as (default: this user)", nullptr},
    {"port", OptionType::integer, nullptr, "port of the ssh servers (default: 22)", nullptr, 1, 65535},
    {"identity", OptionType::string, nullptr,
     "file of the private key (default: the agent's keys, then those of ~/.ssh)", nullptr},
    {"known_hosts", OptionType::string, nullptr,
     "file of the hosts' public keys (default: ~/.ssh/known_hosts and the system's)", nullptr},
    {"use_config", OptionType::boolean, "false", "read ~/.ssh/config", nullptr},
    {"jump", OptionType::string, nullptr, "host to go through: [user@]host[:port]", nullptr},
    {"tunnel", OptionType::boolean, "false", "connect the master to the workers through ssh", nullptr},
    {"dir", OptionType::string, nullptr,
     "working directory of the workers (default: this process's where there is such a one, else the home directory)",
     nullptr},
    {"env", OptionType::env, "{}", "changes to the environment of the workers; null removes a variable", nullptr},
    {"shell", OptionType::string, "\"/bin/sh\"",
     "shell there that starts the program, with arguments; \"bash -l\" reads the login profile", nullptr},
    {"exename", OptionType::string, nullptr, "program of the workers (default: the path of this one)", nullptr},
    {"stage", OptionType::choice, "\"never\"",
     "copy the program with its libraries to the machines: if_missing: where this build was not copied before",
     "never|if_missing|always"},
    {"stage_dir", OptionType::string, "\".cache/cohort\"",
     "where it is copied to; absolute, or from the home directory", nullptr},
    {"exeflags", OptionType::strings, "[]", "more arguments for the workers", nullptr},
    {"threads", OptionType::integer, "1", "functions that may run at once on a worker", nullptr, 1, 4096},
    {"max_parallel", OptionType::integer, "8", "logins under way at one server", nullptr, 1, 1000},
    {"connect_timeout", OptionType::duration, "\"30s\"", "time for one login", nullptr, 1},
};

}  // namespace

COHORT_CLUSTER_MANAGER("ssh", cohort_ssh::SshManager, "0.1.0", ssh_options)
