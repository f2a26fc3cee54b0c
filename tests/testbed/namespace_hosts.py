"""Hosts in namespaces: each has a network, a process tree, mounts, a host name and shared memory of its own, and an
sshd as process 1. This process is in a network namespace too, with the bridge that joins them.

Nothing has a name that outlives it: namespaces and links last as long as the processes in them, and those die with
this process, whatever ends it."""

import os
import signal
import subprocess
import time

import ssh_files
from namespaces import NETWORK, command_line, pids_within, unshare
from ssh_files import SSHD, run, write

KINDS = ("--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
SUBNET, SUBNET6 = "10.77.0", "fd77:"
HEAD = 254
LONGEST_BOOT = 20  # seconds

# Files of its own are mounted over what the machine has in /etc. It waits for its link before sshd starts.
BOOT = """set -e
hostname {name}
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir /run/sshd
mount --bind {directory}/names /etc/hosts
mount --bind {own}/passwd /etc/passwd
mount --bind {own}/shadow /etc/shadow
echo up
read plugged
ip addr add {address}/24 dev eth0
ip -6 addr add {address6}/64 dev eth0 nodad
ip link set eth0 up
exec {sshd} -D -e -f {own}/sshd_config </dev/null >/dev/null
"""


def why_not_permitted():
    """What the machine says against namespaces; None if nothing."""
    try:
        run("unshare", *KINDS, "sh", "-c", "mount -t tmpfs tmpfs /run && ip link add br0 type bridge && iptables -w -L -n")
    except (OSError, RuntimeError) as error:
        return str(error)
    return None


class Host:
    def __init__(self, number):
        self.number = number
        self.name = f"h{number}"
        self.address = f"{SUBNET}.{number}"
        self.address6 = f"{SUBNET6}:{number:x}"
        self.port = f"p{number}"  # at the bridge
        self.root = None  # the process that holds process 1, and reaps it
        self.init = 0     # process 1, as it is called out here


class NamespaceHosts:
    isolated = True

    def __init__(self, directory, count, sshd_lines, head):
        self.directory = directory
        self.head = head
        self.head_is_connected = False
        self.sshd_lines = sshd_lines
        self.hosts = {host.name: host for host in map(Host, range(1, count + 1))}

    def up(self):
        if run(*self._at_head("ip", "route", "show", "default")):
            raise RuntimeError("the head must be in a network namespace (and mount namespace) of its own")
        unshare(NETWORK)
        run("ip", "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        run("ip", "link", "set", "br0", "up")
        ssh_files.make_user_files(self.directory)
        names = [("127.0.0.1", "localhost"), ("::1", "localhost"), (f"{SUBNET}.{HEAD}", "head")]
        names += [(host.address, host.name) for host in self.hosts.values()]
        write(f"{self.directory}/names", "".join(f"{address} {name}\n" for address, name in names))
        for host in self.hosts.values():
            ssh_files.make_host_files(self.directory, host.name, [host.address, host.address6], 22,
                                      sshd_lines=self.sshd_lines)
            ssh_files.make_account_files(f"{self.directory}/{host.name}")
        self._connect_head()
        self._boot(self.hosts.values())

    def described(self):
        return [{"name": host.name, "address": host.address, "address6": host.address6, "port": 22, "pid": host.init}
                for host in self.hosts.values()]

    def down(self):
        for host in self.hosts.values():
            self._end(host)
        if self.head_is_connected:  # it may go on, and get other hosts
            subprocess.run(self._at_head("umount", "/etc/hosts"), check=False, capture_output=True)
            subprocess.run(["ip", "link", "del", "phead"], check=False, capture_output=True)

    # --- The orders.

    def cut(self, name):
        """Unplugs the cable: silence."""
        run("ip", "link", "set", self._find(name).port, "down")

    def join(self, name):
        run("ip", "link", "set", self._find(name).port, "up")

    def freeze(self, name):
        """Its kernel still answers, and nobody else."""
        stopped, pids = set(), set(pids_within(self._find(name).init))
        while pids - stopped:  # until none was started meanwhile
            self._signal(pids - stopped, signal.SIGSTOP)
            stopped |= pids
            pids = set(pids_within(self._find(name).init))

    def thaw(self, name):
        self._signal(pids_within(self._find(name).init), signal.SIGCONT)

    def power_off(self, name):
        """Silence, and nothing runs any more."""
        host = self._find(name)
        run("ip", "link", "del", host.port)
        self._end(host)

    def boot(self, name):
        """@return its new process 1."""
        host = self._find(name)
        if host.root is not None:
            raise RuntimeError(f"{name} is running")
        self._boot([host])
        return host.init

    def processes(self, name):
        """The command lines of what runs there, but for sshd."""
        init = self._find(name).init
        lines = [command_line(pid) for pid in pids_within(init) if pid != init]
        return [line for line in lines if line and not line.startswith("sshd: ")]

    # ---

    def _find(self, name):
        if name not in self.hosts:
            raise ValueError(f"there is no host {name!r}; there are h1 to h{len(self.hosts)}")
        return self.hosts[name]

    def _connect_head(self):
        run("ip", "link", "add", "phead", "type", "veth", "peer", "name", "eth0", "netns", str(self.head))
        run("ip", "link", "set", "phead", "master", "br0", "up")
        run(*self._at_head("sh", "-c", f"ip link set lo up && ip addr add {SUBNET}.{HEAD}/24 dev eth0 && "
                           f"ip -6 addr add {SUBNET6}:{HEAD:x}/64 dev eth0 nodad && ip link set eth0 up && "
                           f"mount --bind {self.directory}/names /etc/hosts"))
        self.head_is_connected = True

    def _at_head(self, *command):
        return ["nsenter", "--target", str(self.head), "--net", "--mount", *command]

    def _boot(self, hosts):
        for host in hosts:
            self._start(host)
        for host in hosts:
            self._plug(host)
        deadline = time.monotonic() + LONGEST_BOOT
        for host in hosts:
            self._wait_for_sshd(host, deadline)

    def _start(self, host):
        own = f"{self.directory}/{host.name}"
        script = BOOT.format(name=host.name, directory=self.directory, own=own, address=host.address,
                             address6=host.address6, sshd=SSHD)
        with open(f"{own}/log", "w", encoding="utf-8") as log:
            # It dies with this process (setpriv), and process 1 with it (--kill-child).
            host.root = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", *KINDS, "sh", "-c", script],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                                         start_new_session=True)

    def _plug(self, host):
        if host.root.stdout.readline() != b"up\n":
            raise RuntimeError(f"{host.name} does not boot: {self._log(host)}")
        host.init = int(ssh_files.read(f"/proc/{host.root.pid}/task/{host.root.pid}/children").split()[0])
        run("ip", "link", "add", host.port, "type", "veth", "peer", "name", "eth0",
            "address", f"02:00:00:00:00:{host.number:02x}", "netns", str(host.init))
        run("ip", "link", "set", host.port, "master", "br0", "up")
        host.root.stdin.write(b"\n")
        host.root.stdin.close()
        host.root.stdout.close()

    def _wait_for_sshd(self, host, deadline):
        ports = 1 + sum(line.startswith("Port ") for line in self.sshd_lines)
        while self._log(host).count("Server listening on 0.0.0.0") < ports:
            if host.root.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{host.name}: sshd does not start: {self._log(host)}")
            time.sleep(0.002)

    def _log(self, host):
        return ssh_files.read(f"{self.directory}/{host.name}/log")

    def _end(self, host):
        if host.root is None:
            return
        # The end of process 1 is the end of all in its namespace, and its parent's end says that it is through.
        self._signal([host.init or host.root.pid], signal.SIGKILL)
        host.root.wait()
        host.root, host.init = None, 0

    @staticmethod
    def _signal(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
