"""contrib/bench drip: a logged-in client beside thousands that send a byte a second,
until the relay's deadlines have ended all of these."""
import atexit
import json
import subprocess

from benching.attack import good_client
from benching.idle import make_room
from benching.machine import SINK, free_port, machine, program, say
from benching.postern import Postern
from benching.prepare import make_certificate
from benching.processes import cpu, end_process, memory
from benching.report import aligned

KINDS = {
    "handshake": "a TLS handshake",
    "line": "a command without an end",
    "commands": "one NOOP after the other",
    "content": "content, logged in",
}
SECONDS = 240  # by then all deadlines are over


def beside(server, clients):
    """What the good client felt meanwhile, and how the others ended."""
    dripping = subprocess.Popen(
        [program("smtp_drip"), "-p", str(server.port), "-q",
         str(server.clear_port), "-n", str(clients), "-t", str(SECONDS)],
        stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, dripping)
    row = {"open": json.loads(dripping.stdout.readline())["open"], "rounds": [],
           "most": memory(server.keeper.below())}
    used = cpu(server.keeper.pid)
    while dripping.poll() is None:
        row["rounds"].append(good_client(server, "beside", 120))
    row["cpu"] = cpu(server.keeper.pid) - used
    row["end"] = json.loads(dripping.stdout.readline())
    return row


def felt(rounds):
    """Of several rounds the slowest; None: one failed."""
    if any(not r or r["failed"] for r in rounds):
        return None
    return {k: max(r[k] for r in rounds) for k in (
        "transaction_p50", "transaction_p99", "login_p50", "login_p99")}


def client_table(rows):
    table = [["one client", "p50 ms", "p99 ms", "login p50 ms", "login p99 ms"]]
    for words, c in rows:
        table.append([words] + ([f"{v:.2f}" for v in c.values()] if c
                                else ["failed"] * 4))
    return aligned(table)


def end_table(end):
    table = [["what dripped", "clients", "ended by the relay",
              "the last after s"]]
    for kind, words in KINDS.items():
        k = end[kind]
        table.append([words, f"{k['open']:,}", f"{k['ended']:,}",
                      f"{k['longest']:.1f}"])
    return aligned(table)


def run(folder, clients):
    make_room(clients + 2000)
    clear_port = free_port("127.0.0.1")
    server = Postern(folder, make_certificate(folder), free_port(SINK),
                     settings=f"""
listen submission {{ address = "127.0.0.1:{clear_port}"  tls = starttls }}
""")
    server.clear_port = clear_port
    try:
        server.start()
        good_client(server, "warm", 60)
        alone = good_client(server, "alone", 60)
        row = beside(server, clients)
    finally:
        server.stop()
    say(json.dumps(row))
    print("\n".join([
        f"{machine()}; {server.version}", "",
        f"{row['open']:,} of {clients:,} clients came, and sent a byte a second "
        f"each. The relay had {row['most']:.1f} MiB of PSS with them.", "",
        *end_table(row["end"]), "",
        *client_table([("without them", felt([alone])),
                       (f"beside them, the slowest of {len(row['rounds'])} "
                        "rounds", felt(row["rounds"]))])]))
