#!/usr/bin/python3
# Erlang, two nodes by TCP (erlang.escript). Without its name server epmd, which would stay behind: the server listens on a
# port that both are told.
import os
import shutil
import socket
import subprocess
import sys

if not shutil.which("escript"):
    sys.exit(print("there is no escript; its package is erlang-base"))
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = listener.getsockname()[1]
script = os.path.join(os.path.dirname(__file__), "erlang.escript")


def start(name, flags, **pipes):
    flags = f"-name {name}@127.0.0.1 -start_epmd false -erl_epmd_port {port} -setcookie bench {flags}"
    return subprocess.Popen(["escript", script, name], env={**os.environ, "ERL_FLAGS": flags}, **pipes)


server = start("server", "", stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # ends with its input
server.stdout.readline()  # it is there
start("client", "-dist_listen false").wait()
server.stdin.close()
server.wait()
