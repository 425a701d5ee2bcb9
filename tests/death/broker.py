"""A redis-server that can be gone for a while: dead, frozen, or there again and empty."""

import shutil
import signal
import subprocess
from pathlib import Path

from tests import services


class Broker:
    """Keeps nothing on disk: started again it has forgotten everything."""

    def __init__(self, folder: Path):
        self.folder, self.port = folder, services.free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        command = [shutil.which("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.folder), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        services.wait_until(lambda: services.answers(self.url), what="redis-server")

    def freeze(self) -> None:
        """It accepts connections and never says a word."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
