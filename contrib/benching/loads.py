"""The loads, and one of them on one server."""
import atexit
import json
import subprocess
import time

from benching.machine import SINK, program, say
from benching.processes import Watcher, cpu, end_process

# name: what it is, options of smtp_load, percent of 451, messages, when short
LOADS = {
    "a": ("1 message a connection, 20 connections",
          ["-c", "20", "-k", "1"], 0, 3000, 200),
    "b": ("20 messages a connection, 50 connections",
          ["-c", "50", "-k", "20"], 0, 6000, 600),
    "c": ("one client alone, 20 messages a connection",
          ["-c", "1", "-k", "20"], 0, 2000, 60),
    "d": ("messages of 1 MB, 10 connections, 10 messages each",
          ["-c", "10", "-k", "10", "-s", "1000000"], 0, 200, 20),
    "e": ("1,000 recipient domains, 20 connections, 20 messages each",
          ["-c", "20", "-k", "20", "-d", "1000"], 0, 4000, 400),
    "f": ("the next host puts off a third of the recipients with 451; "
          "20 connections, 20 messages each",
          ["-c", "20", "-k", "20"], 33, 1500, 150),
}
# Seconds: a load that takes longer is stopped and its rest counts as lost.
PATIENCE, PATIENCE_SHORT = 120, 30


def start_sink(server, percent, count, label):
    sink = subprocess.Popen(
        [program("smtp_sink"), "-b", SINK, "-p", str(server.sink_port), "-c",
         server.cert, "-k", server.key, "-n", str(count), "-x", str(percent),
         "-i", label, *server.sink_options],
        stdout=subprocess.PIPE, text=True)
    if sink.stdout.readline() != "ready\n":
        raise RuntimeError("smtp_sink does not start")
    return sink


def finish(process, seconds):
    """Its last line of JSON; it is asked to end when the time is over."""
    try:
        out, _ = process.communicate(timeout=max(0.1, seconds))
    except subprocess.TimeoutExpired:
        process.terminate()
        out, _ = process.communicate(timeout=10)
    lines = out.strip().splitlines()
    return json.loads(lines[-1]) if lines else None


def measure(server, load, label, short):
    _, options, percent, count, count_short = LOADS[load]
    count = count_short if short else count
    end = time.monotonic() + (PATIENCE_SHORT if short else PATIENCE)
    sink = start_sink(server, percent, count, label)
    before, watcher = cpu(server.keeper.pid), Watcher(server.keeper.pid)
    atexit.register(end_process, sink)
    client = subprocess.Popen(
        [program("smtp_load"), "-p", str(server.port), "-n", str(count), "-i",
         label, *options], stdout=subprocess.PIPE, text=True)
    atexit.register(end_process, client)
    sent = finish(client, end - time.monotonic())
    got = finish(sink, end - time.monotonic())
    most, used = watcher.end(), cpu(server.keeper.pid) - before
    if not sent or not got or not sent["accepted"]:
        return None
    took = got["last"] - sent["began"]
    return {
        "accepted/s": sent["accepted"] / sent["seconds"],
        "delivered/s": got["distinct"] / took if took > 0 else 0,
        "p50 ms": sent["transaction_p50"], "p99 ms": sent["transaction_p99"],
        "login p50 ms": sent["login_p50"],
        "CPU ms/msg": used * 1e3 / sent["accepted"], "PSS MiB": most,
        "out conns": got["connections"],
        "undelivered": sent["accepted"] - got["distinct"],
        "dup": got["duplicates"], "refused": sent["failed"],
    }


def run_all(servers, loads, rounds, short):
    """{load: {server: [figures of each round]}}"""
    results = {load: {} for load in loads}
    number = 0
    for load in loads:
        for turn in range(rounds):
            for server in servers:
                number += 1
                say(f"load {load}, round {turn + 1}, {server.name}")
                row = measure(server, load, f"r{number}", short)
                if row is None:
                    say(f"{server.name} took nothing:\n{server.last_words()}")
                    continue
                say("   " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()))
                results[load].setdefault(server.name, []).append(row)
                time.sleep(1)
    return results
