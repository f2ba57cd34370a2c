"""The quickstart, started as a person starts it, for the suites that follow what is written about it."""
import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Demo:
    """`lakeshare quickstart` in a folder: `shown` is what it says once it serves."""

    def __init__(self, lakeshare, folder, *words):
        command = [lakeshare, "--json", "quickstart", *words, "--address", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            self.shown = json.loads(line)
            if "reads" in self.shown:
                return
        sys.exit("the quickstart ended early:\n" + "".join(lines) + self.process.stderr.read())

    def stop(self):
        """Ctrl-C; returns the exit code and what was complained of."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60), self.process.stderr.read()


def paste(command, folder, **environment):
    """Runs a command; what calls `python3` gets the environment in which the clients are installed."""
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PATH": path, **environment})
