"""Hosts where namespaces are not permitted: an sshd each at a port of 127.0.0.1. They share all else with this machine."""

import ctypes
import glob
import os
import signal
import socket
import subprocess
import time

import ssh_files
from namespaces import command_line
from ssh_files import SSHD

PR_SET_CHILD_SUBREAPER = 36
LONGEST_START = 20  # seconds


class LoopbackHosts:
    isolated = False

    def __init__(self, directory, count, sshd_lines, head):
        self.directory = directory
        self.sshd_lines = sshd_lines
        self.head = head  # nothing to do for it
        self.ports = {f"h{number}": 0 for number in range(1, count + 1)}
        self.sshds = {}

    def up(self):
        # What sessions leave behind when their sshd ends becomes a child of this process, and is found by down().
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        ssh_files.make_user_files(self.directory)
        if os.getuid() == 0:
            os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd of the superuser insists
        for name in self.ports:
            self.ports[name] = free_port()
            own = f"{self.directory}/{name}"
            ssh_files.make_host_files(self.directory, name, ["127.0.0.1"], self.ports[name], "ListenAddress 127.0.0.1",
                                      f"HOME={own}/home", self.sshd_lines)
        for name in self.ports:
            self._start(name)
        deadline = time.monotonic() + LONGEST_START
        for name in self.ports:
            self._wait_for_sshd(name, deadline)

    def described(self):
        return [{"name": name, "address": "127.0.0.1", "address6": "", "port": port, "pid": self.sshds[name].pid}
                for name, port in self.ports.items()]

    def down(self):
        while pids := children_of(os.getpid()):
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)

    def power_off(self, name):
        self.sshds[name].kill()
        self.sshds[name].wait()

    def boot(self, name):
        self._start(name)
        self._wait_for_sshd(name, time.monotonic() + LONGEST_START)
        return self.sshds[name].pid

    def processes(self, name):
        """What has its environment: what sessions leave behind is not a child of its sshd any more."""
        mark = f"TMPDIR={self.directory}/{name}/tmp"
        pids = [pid for pid in descendants_of(os.getpid()) if mark in environment(pid)]
        return [line for line in map(command_line, pids) if line]

    def __getattr__(self, order):
        raise RuntimeError(f"hosts at the loopback address cannot be told: {order}")

    def _start(self, name):
        own = f"{self.directory}/{name}"
        with open(f"{own}/log", "w", encoding="utf-8") as log:
            self.sshds[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", SSHD, "-D", "-e", "-f", f"{own}/sshd_config"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)

    def _wait_for_sshd(self, name, deadline):
        log = f"{self.directory}/{name}/log"
        while "Server listening on" not in ssh_files.read(log):
            if self.sshds[name].poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name}: sshd does not start: {ssh_files.read(log)}")
            time.sleep(0.002)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(pid):
    """Of its start; empty for one that ended meanwhile, and for zombies."""
    try:
        return ssh_files.read(f"/proc/{pid}/environ").split("\0")
    except (OSError, ValueError):
        return []


def children_of(pid):
    """Each thread has its own."""
    found = []
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        try:
            found += map(int, ssh_files.read(path).split())
        except OSError:
            pass  # it ended meanwhile
    return found


def descendants_of(pid):
    found = children_of(pid)
    for child in found:  # grows meanwhile
        found += children_of(child)
    return found
