"""contrib/bench attack: one logged-in client beside each thing that a stranger
can do, the stranger kept to one core and to loopback, for ten seconds each."""
import atexit
import json
import subprocess
import time

from benching.idle import make_room
from benching.loads import finish, start_sink
from benching.machine import SINK, free_port, machine, program, say
from benching.postern import Postern
from benching.prepare import make_certificate
from benching.processes import cpu, end_process, memory
from benching.report import aligned

KINDS = {
    "auth": "AUTH ended and begun again in one segment, 8 connections",
    "hello": "a recorded ClientHello, 64 at a time",
    "half": "handshakes begun and left, 1,024 at a time",
    "seats": "connections held by a byte, from 6,400 addresses",
    "guess": "wrong passwords for one account, 80 connections",
    "junk": "NOOP without end, and a line without end, 16 connections",
    "http": "requests with AUTH in the body, 32 at a time",
}
SECONDS, MESSAGES = 10, 4000


def good_client(server, label, seconds):
    """One client on one connection, for about so long."""
    sink = start_sink(server, 0, MESSAGES, label)
    atexit.register(end_process, sink)
    client = subprocess.Popen(
        [program("smtp_load"), "-p", str(server.port), "-n", str(MESSAGES),
         "-i", label, "-c", "1", "-k", str(MESSAGES)],
        stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, client)
    sent = finish(client, seconds)
    end_process(sink)
    return sent


def beside(server, kind, row):
    """The client beside the attack; what it cost the relay."""
    used = cpu(server.keeper.pid)
    before = memory(server.keeper.below())
    attacker = subprocess.Popen(
        [program("smtp_attack"), "-p", str(server.port), "-q",
         str(server.clear_port), "-t", str(SECONDS), kind],
        stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, attacker)
    time.sleep(2)
    row["client"] = good_client(server, kind, 60)
    row["most"] = memory(server.keeper.below()) - before
    out, _ = attacker.communicate(timeout=SECONDS + 20)
    row["done"] = json.loads(out)["done"] / SECONDS
    row["cpu"] = (cpu(server.keeper.pid) - used) / SECONDS
    return row


def table(rows, alone):
    lines = [["attack", "a second", "p50 ms", "p99 ms", "login ms",
              "relay's cores", "PSS MiB more"],
             ["none", "", *figures(alone), "", ""]]
    for kind, row in rows.items():
        lines.append([KINDS[kind], f"{row['done']:,.0f}",
                      *figures(row["client"]), f"{row['cpu']:.2f}",
                      f"{row['most']:.1f}"])
    return aligned(lines)


def figures(client):
    if not client or client["failed"]:
        return ["failed"] * 3
    return [f"{client[k]:.2f}" for k in ("transaction_p50", "transaction_p99",
                                         "login_p50")]


def run(folder, kinds):
    make_room(12000)
    clear_port = free_port("127.0.0.1")
    server = Postern(folder, make_certificate(folder), free_port(SINK),
                     settings=f"""
listen submission {{ address = "127.0.0.1:{clear_port}"  tls = starttls }}
""")
    server.clear_port = clear_port
    rows = {}
    try:
        server.start()
        good_client(server, "warm", 60)
        alone = good_client(server, "alone", 60)
        for kind in kinds or KINDS:
            say(f"attack: {kind}")
            rows[kind] = beside(server, kind, {})
            say(json.dumps(rows[kind]))
            time.sleep(3)
        time.sleep(65)
        after = memory(server.keeper.below())
    finally:
        server.stop()
    print("\n".join([f"{machine()}; {server.version}", "",
                     *table(rows, alone), "",
                     f"A minute after all of it: {after:.1f} MiB of PSS."]))
