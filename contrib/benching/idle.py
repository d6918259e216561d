"""contrib/bench idle: what a session costs that is logged in and idle."""
import atexit
import json
import re
import resource
import subprocess
import sys
import time

from benching.loads import finish, start_sink
from benching.machine import free_port, machine, program, say, SINK
from benching.postern import Postern
from benching.prepare import make_certificate
from benching.processes import cpu, end_process, memory
from benching.report import aligned

SETTLE = 3  # seconds, until what is freed late is freed
MESSAGES = 2000


def kernel_kib():
    """What the kernel holds: its slabs, and the pages of TCP's queues."""
    with open("/proc/meminfo", encoding="ascii") as f:
        slab = int(re.search(r"^Slab:\s+(\d+)", f.read(), re.M)[1])
    with open("/proc/net/sockstat", encoding="ascii") as f:
        pages = int(re.search(r"^TCP: .* mem (\d+)", f.read(), re.M)[1])
    return slab + 4 * pages


def look(server):
    """Memory now, in KiB."""
    time.sleep(SETTLE)
    pids = server.keeper.below()
    return {"PSS": memory(pids) * 1024, "RSS": memory(pids, "Rss") * 1024,
            "kernel": kernel_kib()}


def good_client(server, label):
    """One client's latencies, and whether all of its messages arrived."""
    sink = start_sink(server, 0, MESSAGES, label)
    atexit.register(end_process, sink)
    client = subprocess.Popen(
        [program("smtp_load"), "-p", str(server.port), "-n", str(MESSAGES),
         "-i", label, "-c", "1", "-k", "20"], stdout=subprocess.PIPE,
        text=True)
    atexit.register(end_process, client)
    sent, got = finish(client, 120), finish(sink, 30)
    if not sent or not got or sent["accepted"] != MESSAGES:
        raise RuntimeError(f"the good client failed: {sent} {got}")
    return sent


def open_sessions(server, sessions):
    """The program that holds them, and its first answer."""
    holder = subprocess.Popen(
        [program("smtp_idle"), "-p", str(server.port), "-n", str(sessions)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, holder)
    return holder, json.loads(holder.stdout.readline())


def measure(server, sessions):
    """All figures, by name."""
    good_client(server, "warm")
    f = {"client before": good_client(server, "before"),
         "before": look(server)}
    used = cpu(server.keeper.pid)
    holder, f["entered"] = open_sessions(server, sessions)
    f["login CPU"] = cpu(server.keeper.pid) - used
    f["with"] = look(server)
    used = cpu(server.keeper.pid)
    time.sleep(5)
    f["idle CPU"] = (cpu(server.keeper.pid) - used) / 5
    f["client with"] = good_client(server, "with")
    f["then"] = look(server)
    holder.stdin.close()
    f["left"] = json.loads(holder.stdout.readline())
    holder.wait()
    f["after"] = look(server)
    holder, _ = open_sessions(server, sessions)
    f["again"] = look(server)
    holder.stdin.close()
    holder.wait()
    return f


def memory_table(f, sessions):
    def each(name, kind):
        return f"{(f[name][kind] - f['before'][kind]) / sessions:.1f}"

    rows = [["", "PSS MiB", "RSS MiB", "PSS KiB a session",
             "kernel KiB a session"]]
    for name, words in (("before", "without them, after 4,000 messages"),
                        ("with", f"{sessions:,} sessions, logged in"),
                        ("then", f"the same, after {MESSAGES:,} messages more"),
                        ("after", "after they left"),
                        ("again", "so many came again")):
        own = name in ("with", "then", "again")
        rows.append([words, f"{f[name]['PSS'] / 1024:.1f}",
                     f"{f[name]['RSS'] / 1024:.1f}",
                     each(name, "PSS") if own else "",
                     each(name, "kernel") if own else ""])
    return aligned(rows)


def client_table(f):
    rows = [["one client alone", "p50 ms", "p99 ms", "login p50 ms",
             "login p99 ms"]]
    for name, words in (("client before", "without them"),
                        ("client with", "beside them")):
        c = f[name]
        rows.append([words] + [f"{c[k]:.2f}" for k in (
            "transaction_p50", "transaction_p99", "login_p50", "login_p99")])
    return aligned(rows)


def make_room(sessions):
    """A descriptor for each session, in the relay and in its clients."""
    need, most = sessions + 500, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < need:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (need, need))
        except ValueError:
            sys.exit(f"bench: {need} open files are needed, {most} are allowed "
                     "(ulimit -Hn); see --sessions")


def run(folder, sessions):
    make_room(sessions)
    server = Postern(folder, make_certificate(folder), free_port(SINK))
    try:
        server.start()
        f = measure(server, sessions)
    finally:
        server.stop()
    entered = f["entered"]
    say(json.dumps(f))
    print("\n".join([
        f"{machine()}; {server.version}", "",
        f"{entered['open']:,} of {sessions:,} sessions logged in within "
        f"{entered['seconds']:.1f} s ({f['login CPU'] / sessions * 1e3:.2f} ms "
        f"of CPU a login); {f['left']['alive']:,} of them answered NOOP at the "
        f"end. Idle, they took {f['idle CPU'] * 100:.2f} % of a core. The "
        "kernel's share is that of both ends, the client being here too.", "",
        *memory_table(f, sessions), "", *client_table(f)]))
