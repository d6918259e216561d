"""contrib/bench mix: what one account feels of another one's bulk run to hosts of
which some are silent, slow, rude or do not exist."""
import atexit
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time

from benching import hosts
from benching.loads import finish
from benching.machine import machine, program, run, say
from benching.postern import Postern
from benching.postfix import Postfix
from benching.prepare import make_certificate
from benching.processes import cpu, end_process
from benching.report import aligned

BULK, HEALTHY = "bulk@example.com", "app@example.com"
SECONDS = 40  # that both accounts send
BULK_CLIENTS, BULK_PAUSE = 5, 25  # ms between two messages of a client
HEALTHY_PAUSE = 100
MIX = 100  # of so many bulk messages one is for each bad host, two for none
LATE = 60  # seconds that stragglers are waited for
INSIDE = "POSTERN_BENCH_INSIDE"


class MixPostern(Postern):
    accounts = (BULK, HEALTHY)

    def road(self):
        return f'resolver {{ servers = {{ "{hosts.SERVER}:53" }} }}'


class MixPostfix(Postfix):
    accounts = (BULK, HEALTHY)

    def road(self):
        return "relayhost ="


SERVERS = {c.name: c for c in (MixPostern, MixPostfix)}


def enter():
    """This program again, where the network and /etc/resolv.conf are its own: the
    ports 25 and 53 are free, and names are asked at our server only."""
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable,
                              *sys.argv])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        name = struct.pack("16sH14x", b"lo", 0x1 | 0x40)  # up, running
        fcntl.ioctl(s, 0x8914, name)  # SIOCSIFFLAGS


def own_resolver(folder):
    path = os.path.join(folder, "resolv.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write(f"nameserver {hosts.SERVER}\n")
    run("mount", "--bind", path, "/etc/resolv.conf")


def child(*command):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, process)
    return process


def ready(process, what):
    if process.stdout.readline() != "ready\n":
        raise RuntimeError(f"{what} does not start")
    return process


def write_domains(path):
    """Bulk's, of which so many are no good; and the healthy account's."""
    good = [f"good{n}.test" for n in range(hosts.GOOD)]
    bulk = []
    for turn in range(hosts.BAD):
        bulk += [f"silent{turn}.test", f"slow{turn}.test", f"rude{turn}.test",
                 f"unknown{turn}.test", f"nowhere{turn}.test"]
        bulk += [good[(turn * MIX + n) % len(good)] for n in range(MIX - 5)]
    for name, domains in ("bulk", bulk), ("healthy", good):
        with open(f"{path}.{name}", "w", encoding="ascii") as f:
            f.write("\n".join(domains) + "\n")


def load(server, account, label, files, *options):
    return child(program("smtp_load"), "-p", str(server.port), "-i", label,
                 "-u", account, "-r", files, "-k", "20", "-t",
                 server.path(label), *options)


def read_times(path):
    with open(path, encoding="ascii") as f:
        return {int(number): [float(t) for t in times]
                for number, *times in map(str.split, f)}


def quantile(values, part):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * part))]


def measure(server, domains):
    healthy = SECONDS * 1000 // HEALTHY_PAUSE
    bulk = SECONDS * 1000 // BULK_PAUSE * BULK_CLIENTS
    sink = ready(child(
        program("smtp_sink"), "-b", "127.0.2.1", "-a", str(hosts.GOOD), "-p",
        "25", "-c", server.cert, "-k", server.key, "-i", "healthy", "-n",
        str(healthy), "-t", server.path("arrivals")), "smtp_sink")
    before = cpu(server.keeper.pid)
    clients = [
        load(server, BULK, "bulk", domains + ".bulk", "-c", str(BULK_CLIENTS),
             "-n", str(bulk), "-w", str(BULK_PAUSE)),
        load(server, HEALTHY, "healthy", domains + ".healthy", "-c", "1", "-n",
             str(healthy), "-w", str(HEALTHY_PAUSE))]
    sent = [finish(c, 5 * SECONDS) for c in clients]
    used = cpu(server.keeper.pid) - before
    got = finish(sink, LATE)
    if not got or not all(sent):
        raise RuntimeError(f"{server.name}: {sent} {got}")
    took, arrived = (read_times(server.path(name))
                     for name in ("healthy", "arrivals"))
    waits = [arrived[n][0] - took[n][0] for n in took if n in arrived]
    return [f"{sent[0]['accepted'] / sent[0]['seconds']:.0f}",
            f"{sent[1]['accepted']}",
            *(f"{quantile(waits, part) * 1e3:.1f}"
              for part in (0.5, 0.99, 1.0)),
            f"{sent[1]['accepted'] - len(waits)}",
            f"{used * 1e3 / (sent[0]['accepted'] + sent[1]['accepted']):.2f}"]


def run_mix(folder, names, rounds):
    own_resolver(folder)
    ready(child(sys.executable, hosts.__file__), "the hosts")
    certificate, rows = make_certificate(folder), []
    domains = os.path.join(folder, "domains")
    write_domains(domains)
    for turn in range(rounds):
        for name in names:
            place = os.path.join(folder, f"round{turn}")
            os.makedirs(place, exist_ok=True)
            os.chmod(place, 0o755)
            server = SERVERS[name](place, certificate, 25)
            try:
                server.start()
                say(f"mix, round {turn + 1}, {name}")
                rows.append([server.version, *measure(server, domains)])
                say("   " + ", ".join(rows[-1][1:]))
            finally:
                server.stop()
                time.sleep(1)
    print(f"""{machine()}

One account sends in bulk ({BULK_CLIENTS} clients, {BULK_PAUSE} ms between two
messages, {hosts.GOOD} good domains; of {MIX} messages one each for a silent, a slow
and a rude host, and two for a domain that does not exist); another account sends
one message each {HEALTHY_PAUSE} ms to the same good domains, for {SECONDS} s. From
MAIL to the arrival at the next host:
""")
    print("\n".join(aligned(
        [["server", "bulk/s", "healthy", "p50 ms", "p99 ms", "most ms",
          "missing", "CPU ms/msg"], *rows])))
