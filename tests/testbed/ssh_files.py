"""What the sshds and their users need: keys, known_hosts, ssh_config, an sshd_config for each host."""

import getpass
import os
import pwd
import shutil
import subprocess

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"  # which wants to be called by its absolute path

CLIENT_CONFIG = """Host *
  User {user}
  IdentityFile {directory}/id_ed25519
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  HashKnownHosts no
  BatchMode yes
  ConnectTimeout 5
"""

SERVER_CONFIG = """Port {port}
{listen}
HostKey {own}/host_ed25519
PidFile none
AuthorizedKeysFile {own}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UseDNS no
PrintMotd no
PrintLastLog no
SetEnv TMPDIR={own}/tmp {environment}
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""


def user():
    return getpass.getuser()


def run(*command, **options):
    """@raise RuntimeError with what the command said."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout


def make_user_files(directory):
    """id_ed25519 is let in by every host, stranger_ed25519 by none."""
    os.chmod(directory, 0o755)
    for name in ("id_ed25519", "stranger_ed25519"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "testbed", "-f", f"{directory}/{name}")
    write(f"{directory}/known_hosts", "")
    write(f"{directory}/ssh_config", CLIENT_CONFIG.format(user=user(), directory=directory))


def make_host_files(directory, name, addresses, port, listen="", environment="", sshd_lines=()):
    """A directory for the host: its key, who may log in, its sshd_config, home/ and tmp/."""
    own = f"{directory}/{name}"
    os.makedirs(f"{own}/home")
    os.mkdir(f"{own}/tmp")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", f"{own}/host_ed25519")
    shutil.copy(f"{directory}/id_ed25519.pub", f"{own}/authorized_keys")
    config = SERVER_CONFIG.format(port=port, listen=listen, own=own, environment=environment)
    # sshd takes the first of several values.
    write(f"{own}/sshd_config", "".join(f"{line}\n" for line in sshd_lines) + config)
    known_as = [name, *addresses] if port == 22 else [f"[{address}]:{port}" for address in (name, *addresses)]
    key = " ".join(read(f"{own}/host_ed25519.pub").split()[:2])
    append(f"{directory}/known_hosts", f"{','.join(known_as)} {key}\n")
    append(f"{directory}/ssh_config", f"Host {name}\n  HostName {addresses[0]}\n  Port {port}\n")


def make_account_files(own):
    """passwd and shadow for a host that has them to itself: the user's home is there, and the account is not locked."""
    account = pwd.getpwnam(user())
    lines = [":".join((account.pw_name, "x", str(account.pw_uid), str(account.pw_gid), "", f"{own}/home",
                       account.pw_shell))]
    lines += [line for line in read("/etc/passwd").splitlines() if not line.startswith(account.pw_name + ":")]
    write(f"{own}/passwd", "\n".join(lines) + "\n")
    write(f"{own}/shadow", f"{account.pw_name}:*:19000:0:99999:7:::\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
