"""Filters for tests: some_filter.py at a socket, and the configuration's section."""
import json
import os
import socket
import subprocess

from harness import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
children = []


class Milter:
    """some_filter.py, at a Unix socket."""

    def __init__(self, folder, name):
        self.socket, self.record = folder(name), folder(name + ".record")
        self.process = None

    def start(self):
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", os.path.join(HERE, "some_filter.py"), self.socket,
             self.record])
        children.append(self.process)
        wait_for("the filter listens", lambda: can_connect(self.socket))
        return self

    def stop(self):
        self.process.kill()
        self.process.wait()

    def told(self):
        with open(self.record, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def forget(self):
        open(self.record, "w", encoding="utf-8").close()


def can_connect(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            return True
    except OSError:
        return False


def section(name, where, **options):
    rest = "".join(f" {k} = {v}" for k, v in options.items())
    return f'filter {name} {{ socket = "{where}" {rest} }}\n'
