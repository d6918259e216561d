"""contrib/bench scale: more workers, and deeper queues."""
import atexit
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
import urllib.request

from benching.loads import finish, start_sink
from benching.machine import (BUILD, SINK, free_port, machine, program,
                              run as do, say)
from benching.postern import Postern
from benching.prepare import make_certificate
from benching.processes import end_process, memory
from benching.report import aligned

MESSAGES = 20000  # of load b, for each number of workers
ROUNDS = 3
BYTES, DUE, BESIDE, WARM = 4096, 1000, 500, 100


# --- threads ---

FIRST = "queue, worker 0"  # the first worker is a guest on the queue thread
# A thread's name, as posternd gives it, without its number: what it belongs to.
KINDS = {"posternd": FIRST, "committer": "spool",
         "keeper": "spool", "worker": "others", "pool": "pool", "log": "log"}


def threads(pid):
    """{thread: (kind, seconds of processor, to the nanosecond)}."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/task/*"):
        try:
            with open(path + "/schedstat", encoding="ascii") as f:
                used = int(f.read().split()[0]) / 1e9
            with open(path + "/comm", encoding="ascii") as f:
                name = f.read().split()[0]
        except OSError:
            continue
        found[int(os.path.basename(path))] = (KINDS.get(name, "pool"), used)
    return found


def queue_seconds(pid):
    """What the queue thread, the process's first, has used."""
    return threads(pid)[pid][1]


def by_kind(pid):
    """Seconds of processor by kind of thread, and of all."""
    used = dict.fromkeys([*KINDS.values(), "all"], 0.0)
    for kind, seconds in threads(pid).values():
        used[kind] += seconds
        used["all"] += seconds
    return used


def took(before, after, count):
    """Milliseconds for each of `count`."""
    return {k: (after[k] - before[k]) * 1e3 / count for k in before}


# --- workers ---

def syncs(server):
    """How many groups of records the spool has made durable so far."""
    with urllib.request.urlopen(
            f"http://127.0.0.1:{server.http_port}/metrics", timeout=10) as page:
        return int(re.search(rb"^postern_commits_total (\d+)", page.read(),
                             re.M)[1])


def load_b(server, count, label):
    sink = start_sink(server, 0, count, label)
    atexit.register(end_process, sink)
    pid = server.keeper.below()[0]
    before, groups = by_kind(pid), syncs(server)
    client = subprocess.Popen(
        [program("smtp_load"), "-p", str(server.port), "-n", str(count), "-i",
         label, "-c", "50", "-k", "20"], stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, client)
    sent, got = finish(client, 120), finish(sink, 60)
    if not sent or not got or got["distinct"] != count:
        raise RuntimeError(f"load b: {sent} {got}")
    return {"msgs a sync": count / (syncs(server) - groups),
            "accepted/s": count / sent["seconds"],
            "delivered/s": count / (got["last"] - sent["began"]),
            **took(before, by_kind(pid), count)}


def middle(rows, key):
    return sorted(row[key] for row in rows)[len(rows) // 2]


def with_workers(folder, certificate, workers):
    """The median of some rounds with so many workers."""
    http_port = free_port("127.0.0.1")
    server = Postern(folder, certificate, free_port(SINK), settings=f"""
workers = {workers}
http {{ address = "127.0.0.1:{http_port}" }}
""")
    server.http_port = http_port
    try:
        server.start()
        load_b(server, 1000, "warm")
        rows = [load_b(server, MESSAGES, f"w{workers}r{i}")
                for i in range(ROUNDS)]
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    row = {k: middle(rows, k) for k in rows[0]}
    say(f"workers {workers}: {row}")
    return row


def workers_table(folder, certificate, numbers):
    kinds = ("all", FIRST, "others", "spool", "log", "pool")
    lines = [["workers", "accepted/s", "delivered/s", "messages a sync"] +
             [f"CPU ms/msg: {k}" for k in kinds]]
    for n in numbers:
        row = with_workers(folder, certificate, n)
        lines.append([str(n), f"{row['accepted/s']:.0f}",
                      f"{row['delivered/s']:.0f}",
                      f"{row['msgs a sync']:.1f}"] +
                     [f"{row[k]:.3f}" for k in kinds])
    return aligned(lines)


# --- depth ---

class Line:
    """The `deferred` lines of a relay's log, read as it grows; of the messages
    that bench_spool made only, not of a client's beside them."""

    def __init__(self, path):
        self.file = open(path, "rb")
        self.count, self.rest = 0, b""

    def look(self):
        while True:
            data = self.file.read(1 << 22)
            if not data:
                return self.count
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()
            self.count += sum(b"deferred " in line and b".example>" in line
                              for line in lines)

    def wait(self, count, seconds):
        """Until so many have come; the seconds that passed."""
        began = time.monotonic()
        while self.look() < count:
            if time.monotonic() - began > seconds:
                raise RuntimeError(f"{self.count} of {count} were put off")
            time.sleep(0.02)
        return time.monotonic() - began


def fill(server, depth, due, at):
    """Leaves a spool of that many messages where the relay looks for it."""
    do(program("bench_spool"), "fill", server.path("spool"), str(depth),
       str(BYTES), str(due), str(at))


def one_client(server, count, label):
    """Latencies of a client alone while the queue is as it is."""
    client = subprocess.Popen(
        [program("smtp_load"), "-p", str(server.port), "-n", str(count), "-i",
         label, "-c", "1", "-k", "20"], stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, client)
    sent = finish(client, 120)
    if not sent or sent["accepted"] != count:
        raise RuntimeError(f"one client: {sent}")
    return sent


def own_memory(server):
    """Bytes that are the relay's alone: program and libraries do not count,
    which it may share with others on the machine."""
    return memory(server.keeper.below(), "Pss_Anon") * 1048576


def start(server):
    """Seconds until it listens, and its own memory then."""
    began = time.monotonic()
    server.start()
    seconds = time.monotonic() - began
    time.sleep(1)
    return seconds, own_memory(server)


def relay(folder, certificate, retry="1min, 5min, 15min, 30min, 1h, 2h, 4h"):
    """A relay to a next host that may be away: nothing listens at its port."""
    server = Postern(folder, certificate, free_port(SINK), retry=retry)
    server.pause = 0.005
    return server


def in_line(server):
    """How many stand in line for a connection, by `postern status`."""
    status = json.loads(do(os.path.join(BUILD, "postern"), "-c",
                           server.path("postern.conf"), "status", "--json"))
    return sum(site["waiting"] for site in status["sites"])


def until_in_line(server, count, seconds):
    """It is asked seldom: the queue thread answers."""
    end = time.monotonic() + seconds
    while in_line(server) < count:
        if time.monotonic() > end:
            raise RuntimeError(f"{in_line(server)} of {count} are in line")
        time.sleep(0.2)


def loaded_ms(server):
    """What the relay says that it took to read the spool, once it has."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with open(server.path("out"), encoding="utf-8", errors="replace") as f:
            said = re.search(r"queue_loaded .*ms=(\d+)", f.read())
        if said:
            return int(said[1])
        time.sleep(0.1)
    raise RuntimeError("the spool is not read")


def lead_time(depth):
    """Seconds from the filling until the first are due, with room to spare."""
    return 20 + depth / 15000


def waiting(folder, certificate, depth, empty):
    """DUE of them come due while the others wait; the next host answers each
    recipient with 451, so that each is tried and put off again."""
    server, f = relay(folder, certificate), {}
    at = int(time.time() + lead_time(depth))
    try:
        fill(server, depth, DUE, at)
        f["start s"], _ = start(server)
        f["load ms"] = loaded_ms(server)
        time.sleep(1)
        f["bytes/msg"] = (own_memory(server) - empty) / depth
        # Before anything is tried: a site that is closed keeps all in line.
        sink = start_sink(server, 100, MESSAGES, "depth")
        atexit.register(end_process, sink)
        one_client(server, WARM, "warm")
        sent = one_client(server, BESIDE, "beside")
        f["p50 ms"], f["p99 ms"] = (sent["transaction_p50"],
                                    sent["transaction_p99"])
        pid, line = server.keeper.below()[0], Line(server.path("out"))
        if line.look() > 0:
            raise RuntimeError("they came due too early: a slow machine")
        before = by_kind(pid)
        line.wait(DUE, lead_time(depth) + 30)
        f.update((f"{k} us", v * 1e3) for k, v in took(
            before, by_kind(pid), DUE).items())
        end_process(sink)
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    say(f"depth {depth}: {f}")
    return f


class Silent:
    """A next host that takes connections and says nothing, until let go."""

    def __init__(self, port):
        self.socket, self.taken = socket.create_server((SINK, port)), []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        while True:
            try:
                self.taken.append(self.socket.accept()[0])
            except OSError:
                return

    def let_go(self):
        # Wakes take(); close() alone would not.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for taken in self.taken:
            taken.close()


def watch_wave(server, is_over, least=1):
    """One client after another until it is over, so many at least; the worst of
    all of them."""
    worst, number = {"p50 ms": 0, "p99 ms": 0, "login ms": 0}, 0
    end = time.monotonic() + 180
    while number < least or not is_over():
        if time.monotonic() > end:
            raise RuntimeError("the wave does not end")
        sent = one_client(server, 40, f"wave{number}")
        number += 1
        for name, key in (("p50 ms", "transaction_p50"),
                          ("p99 ms", "transaction_p99"),
                          ("login ms", "login_p99")):
            worst[name] = max(worst[name], sent[key])
    return worst


def until_idle(pid):
    """Until the relay's own thread has nothing to do for a second."""
    used = -1
    while queue_seconds(pid) - used > 0.02:
        used = queue_seconds(pid)
        time.sleep(1)


# Those in line but for the few that were tried themselves, and put off.
TRIED = 50


def away(folder, certificate, depth, empty):
    """All are due at one time, and nothing listens at the next host's port: the
    site closes, and all come to stand in its line. First alone, for the CPU;
    then, when the relay was started again and all are due at once, with a
    client."""
    server, f = relay(folder, certificate, "4h"), {}
    at = int(time.time() + lead_time(depth))
    try:
        fill(server, depth, depth, at)
        start(server)
        pid = server.keeper.below()[0]
        before = queue_seconds(pid)
        until_in_line(server, depth - TRIED, lead_time(depth) + 60)
        f["queue us"] = (queue_seconds(pid) - before) * 1e6 / depth
        f["bytes/msg"] = (own_memory(server) - empty) / depth
        server.stop()
        server.start()
        f.update(watch_wave(
            server, lambda: in_line(server) >= depth - 2 * TRIED))
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    say(f"away {depth}: {f}")
    return f


def silent(folder, certificate, depth, empty):
    """All are due at the start, the next host takes a connection and says
    nothing, so that all stand in its line; then it hangs up."""
    server, f = relay(folder, certificate, "5min"), {}
    host = Silent(server.sink_port)
    try:
        fill(server, depth, depth, int(time.time()) - 1)
        start(server)
        pid = server.keeper.below()[0]
        until_in_line(server, depth - TRIED, 60)
        f["bytes/msg"] = (own_memory(server) - empty) / depth
        before = queue_seconds(pid)
        host.let_go()
        until_idle(pid)
        f["queue us"] = (queue_seconds(pid) - before) * 1e6 / depth
        f.update(watch_wave(server, lambda: True, 3))
    finally:
        server.stop()
        shutil.rmtree(server.folder)
    say(f"silent {depth}: {f}")
    return f


def empty_memory(folder, certificate):
    server = relay(folder, certificate)
    try:
        return start(server)[1]
    finally:
        server.stop()
        shutil.rmtree(server.folder)


def depth_table(folder, certificate, depths, empty):
    lines = [["waiting", "start s", "read back ms", "bytes of memory each",
              "p50 ms", "p99 ms", "CPU us to try one in vain",
              "of it: first thread"]]
    for depth in depths:
        f = waiting(folder, certificate, depth, empty)
        lines.append([f"{depth:,}", f"{f['start s']:.2f}", str(f["load ms"]),
                      f"{f['bytes/msg']:.0f}", f"{f['p50 ms']:.2f}",
                      f"{f['p99 ms']:.2f}", f"{f['all us']:.1f}",
                      f"{f[FIRST + ' us']:.1f}"])
    return aligned(lines)


def wave_table(folder, certificate, depths, empty):
    lines = [["all due at once", "next host", "queue thread's CPU us each",
              "bytes of memory each", "a client's p50 ms", "p99 ms",
              "longest login ms"]]
    for case, words in ((away, "port closed"), (silent, "silent, hangs up")):
        for depth in depths:
            f = case(folder, certificate, depth, empty)
            lines.append([f"{depth:,}", words, f"{f['queue us']:.1f}",
                          f"{f['bytes/msg']:.0f}", f"{f['p50 ms']:.2f}",
                          f"{f['p99 ms']:.2f}", f"{f['login ms']:.1f}"])
    return aligned(lines)


def run(folder, workers, depths):
    certificate = make_certificate(folder)
    print(f"{machine()}; load average {os.getloadavg()[0]:.2f}\n", flush=True)
    if workers:
        print("\n".join(workers_table(folder, certificate, workers)) + "\n",
              flush=True)
    if depths:
        empty = empty_memory(folder, certificate)
        print(f"Memory of an empty one: {empty / 1048576:.1f} MiB\n")
        for table in (depth_table, wave_table):
            print("\n".join(table(folder, certificate, depths, empty)) + "\n",
                  flush=True)
