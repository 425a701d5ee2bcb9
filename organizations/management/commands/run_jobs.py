import signal
import threading

from django.core.management.base import BaseCommand

from organizations.runner import Runner


class Command(BaseCommand):
    help = "The built-in runner: does waiting jobs and scheduled work where there is no Celery worker."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="do what waits now, then end")

    def handle(self, *args, once, **options):
        runner = Runner()
        if once:
            while runner.run_one():
                pass
            return
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        self.stdout.write("built-in runner: looking for jobs each second")
        while not stopped.is_set():
            busy = runner.turn()
            stopped.wait(0 if busy else 1)
