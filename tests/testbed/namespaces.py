"""Namespaces of Linux, and a program in its own."""

import ctypes
import os
import signal
import subprocess

NETWORK, MOUNT, HOST_NAME = 0x40000000, 0x00020000, 0x04000000  # CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWUTS


def unshare(kinds):
    """Puts this process into new namespaces."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(kinds) != 0:
        raise OSError(ctypes.get_errno(), f"unshare: {os.strerror(ctypes.get_errno())}")


def pids_within(init):
    """All processes in the pid namespace of process `init`, itself included."""
    wanted = os.readlink(f"/proc/{init}/ns/pid")
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and os.readlink(f"/proc/{name}/ns/pid") == wanted:
                found.append(int(name))
        except OSError:
            pass  # it ended meanwhile
    return found


def command_line(pid):
    """Empty for one that ended meanwhile, and for zombies."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


class WaitingProgram:
    """A program that waits, perhaps in namespaces of its own, until it is told to go on."""

    def __init__(self, command, own_namespaces):
        ready, self.go = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._become(command, own_namespaces, ready[1])
        os.close(ready[1])
        os.close(self.go[0])
        os.read(ready[0], 1)
        os.close(ready[0])

    def _become(self, command, own_namespaces, ready):
        try:
            os.close(self.go[1])
            if own_namespaces:
                unshare(NETWORK | MOUNT | HOST_NAME)
                subprocess.run("mount --make-rprivate / && hostname head", shell=True, check=True)
            os.write(ready, b"r")
            if os.read(self.go[0], 1):
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_DFL)
                os.execvp("setpriv", ["setpriv", "--pdeathsig", "TERM", *command])
        except (OSError, subprocess.CalledProcessError) as error:
            os.write(2, f"hosts: {error}\n".encode())
        finally:
            os._exit(127)

    def go_and_wait(self):
        os.write(self.go[1], b"g")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]) & 0xff
