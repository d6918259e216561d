"""Processes: what a server's cost, and how they are started and ended."""
import ctypes
import os
import signal
import subprocess
import threading
import time

TICK = os.sysconf("SC_CLK_TCK")
PR_SET_CHILD_SUBREAPER = 36


def stat(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        return f.read().rsplit(")", 1)[1].split()


def tree(root):
    """The ids of a process and of all below it, the root first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                children.setdefault(int(stat(name)[1]), []).append(int(name))
            except (OSError, IndexError):
                pass
    todo, found = [root], []
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def cpu(root):
    """Seconds of processor of the tree, ended children included."""
    total = 0
    for pid in tree(root):
        try:
            total += sum(int(x) for x in stat(pid)[11:15])
        except (OSError, IndexError):
            pass
    return total / TICK


def memory(pids, kind="Pss"):
    """MiB (PSS: what is shared counts once; or Rss)."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f
                             if line.startswith(kind + ":"))
        except OSError:
            pass
    return total / 1024


class Keeper:
    """The parent of a server's processes. It adopts those whose parent ends
    and waits for them, so that no work of a server escapes the count, and so
    that we know which processes are ours to end."""

    def __init__(self, command, log, env=None):
        self.pid = os.fork()
        if self.pid == 0:
            try:
                self.keep(command, log, env)
            finally:
                os._exit(127)

    @staticmethod
    def keep(command, log, env):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            os._exit(126)
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with open(log, "ab") as out:
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                             stderr=out, env=env)
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                os._exit(0)

    def below(self):
        return tree(self.pid)[1:]

    def is_alive(self):
        """Whether anything below still runs: it ends with the last."""
        return os.waitid(os.P_PID, self.pid,
                         os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def end(self):
        """SIGTERM to ours, SIGKILL to what is left after a while."""
        for number, seconds in ((signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            for pid in self.below():
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                if os.waitpid(self.pid, os.WNOHANG)[0] != 0:
                    return
                time.sleep(0.05)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Watcher(threading.Thread):
    """The most memory that a tree takes while a load runs."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.most, self.over = root, 0.0, threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.5):
            self.most = max(self.most, memory(tree(self.root)[1:]))

    def end(self):
        self.over.set()
        self.join()
        return self.most


def end_process(process):
    """For when we are stopped ourselves."""
    if process.poll() is None:
        process.kill()

