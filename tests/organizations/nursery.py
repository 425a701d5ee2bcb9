"""Parsing processes that are forked from one that has imported everything, instead of started anew.

What they run is organizations/imports/child.py, whole, with its limits. Run by
itself, this file is the parent that forks.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

CHILD = Path(__file__).resolve().parents[2] / "organizations" / "imports" / "child.py"
LONGEST = 65_536


class Forked:
    """What organizations/imports/process.py needs of a `Popen`."""

    def __init__(self, pid: int, output: int):
        self.pid, self.stdout = pid, os.fdopen(output, "rb", buffering=0)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Its parent takes it away."""


class Nursery:
    """Stands for the module `subprocess` in organizations/imports/process.py."""

    PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL

    def __init__(self):
        self.line, theirs = socket.socketpair()
        command = [sys.executable, "-I", __file__, str(theirs.fileno())]
        self.parent = subprocess.Popen(command, pass_fds=[theirs.fileno()], env={})
        theirs.close()

    def Popen(self, command, *, stdin, pass_fds, **options):
        if command[2] != str(CHILD):
            # Somebody's own program, not the parser: started as it is.
            return subprocess.Popen(command, stdin=stdin, pass_fds=pass_fds, **options)
        output, theirs = os.pipe()
        socket.send_fds(self.line, [command[3].encode()], [stdin.fileno(), theirs, *pass_fds])
        os.close(theirs)
        return Forked(int(self.line.recv(LONGEST)), output)

    def close(self) -> None:
        self.line.close()
        self.parent.wait(timeout=10)


def fork_for_ever(line: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how they ended
    spec = spec_from_file_location("child", CHILD)
    child = module_from_spec(spec)
    spec.loader.exec_module(child)
    while True:
        told, given, _, _ = socket.recv_fds(line, LONGEST, 3)
        if not told:
            return
        pid = os.fork()
        if pid == 0:
            be(child, json.loads(told), *given)
        for one in given:
            os.close(one)
        line.send(str(pid).encode())


def be(child, told: dict, source: int, output: int, asked: int) -> None:
    code = 1
    try:
        os.dup2(source, 0)
        os.dup2(output, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.argv = [str(CHILD), json.dumps(told), str(asked)]
        child.main()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    fork_for_ever(socket.socket(fileno=int(sys.argv[1])))
