"""The figures of a run as Markdown, and what its columns mean."""
import os
import statistics
import sys

from benching.loads import LOADS
from benching.machine import machine

SUMS = ("undelivered", "dup", "refused")
COLUMNS = (("accepted/s", ".0f"), ("delivered/s", ".0f"), ("p50 ms", ".2f"),
           ("p99 ms", ".2f"), ("login p50 ms", ".2f"), ("CPU ms/msg", ".2f"),
           ("PSS MiB", ".1f"), ("out conns", ".0f"), ("undelivered", "d"),
           ("dup", "d"), ("refused", "d"))
SHORT = ("- A short run: one round of few messages, and CPU time is counted in "
         "steps of 10 ms; good for the order of magnitude only")
COMPARED = ("accepted/s", "delivered/s", "CPU ms/msg", "PSS MiB")


def summary(rows):
    return {k: sum(r[k] for r in rows) if k in SUMS
            else statistics.median(r[k] for r in rows) for k, _ in COLUMNS}


def aligned(lines):
    """Rows of cells, the first the names, as a Markdown table that also reads
    as text."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    rule = ["-" * widths[0]] + ["-" * (w - 1) + ":" for w in widths[1:]]
    return ["| " + " | ".join(
        c.ljust(w) if i == 0 else c.rjust(w)
        for i, (c, w) in enumerate(zip(line, widths))) + " |"
        for line in [lines[0], rule] + lines[1:]]


def table(load, by_server):
    """One load: a line for each server, and how it stands to Postfix."""
    lines = [["server"] + [k for k, _ in COLUMNS]]
    sums = {name: summary(rows) for name, rows in by_server.items()}
    for name, s in sums.items():
        lines.append([name] + [format(s[k], f) for k, f in COLUMNS])
    for name, s in sums.items():
        if name != "postfix" and "postfix" in sums:
            lines.append([f"{name} : postfix"] + [
                f"{s[k] / sums['postfix'][k]:.3g}"
                if k in COMPARED and sums["postfix"][k] else ""
                for k, _ in COLUMNS])
    return [f"Load {load}: {LOADS[load][0]}", ""] + aligned(lines) + [""]


def report(options, servers, left_out, results, began, busy):
    out = ["# Benchmarks", "",
           "Written by `contrib/bench`; run it again for figures of your own "
           "machine.", "",
           f"- Command: `{' '.join(['contrib/bench'] + sys.argv[1:])}`",
           f"- Date: {began:%Y-%m-%d %H:%M} UTC",
           "- Loads and messages in each: " + ", ".join(
               f"{k} {LOADS[k][4 if options.short else 3]}" for k in results),
           f"- Machine: {machine()}; the spools are on {options.filesystem}",
           "- Versions: " + ", ".join(s.version for s in servers),
           f"- Load average when it began: {busy[0]:.2f} (more than 1: others "
           f"were at work too), when it ended: {os.getloadavg()[0]:.2f} (the "
           "loads themselves count in that)",
           f"- Rounds: {options.rounds}, servers in turn; a figure is the "
           "median of the rounds; undelivered, dup and refused are sums"]
    if options.short:
        out.append(SHORT)
    out += [f"- Left out: {name}: {why}" for name, why in left_out] + [""]
    out += ["Synced before its 250: " + "; ".join(
        f"{s.name}: {s.synced}" for s in servers) + ".", ""]
    for load, by_server in results.items():
        if by_server:
            out += table(load, by_server)
    return "\n".join(out) + "\n"


def explained(servers, picture):
    """What stands behind the tables: the picture, the columns, settings."""
    out = [f"![CPU time a message and delivered messages a second, by load and "
           f"server]({picture})", "", EXPLAINED]
    for server in servers:
        out += [f"**{server.name}**: {server.notes}", ""]
    if "opensmtpd" not in [s.name for s in servers]:
        out += [OPENSMTPD, ""]
    return "\n".join(out).rstrip() + "\n"


EXPLAINED = """## What the columns say

The load generator and the next host run on the same machine and share its
processors with the server, so rates are those of the three together.

- accepted/s: messages with a 250, over the time that the clients took.
- delivered/s: messages at the next host, from the first client's start to the
  last message's arrival.
- In load f the time is mostly that of the waits (2 seconds each): the last
  messages are put off five times or more.
- p50, p99: from MAIL to the reply to the final dot. login p50: from connect
  to 235 (TLS handshake, resumed where the server lets it, EHLO, AUTH PLAIN).
- CPU ms/msg: user and system time of the server's whole process tree, ended
  children included, until a second after the last delivery.
- PSS MiB: the tree's memory at its highest, looked at twice a second. The
  servers stay up from load to load, so it includes processes that a server
  keeps idle for a while after an earlier load.
- out conns: connections that the next host saw.
- undelivered: accepted and not at the next host when the load's time was over
  (two minutes, or 30 seconds with `--short`): late or lost. dup: delivered
  more than once. refused: connections or messages that failed at the client.

## The servers' settings

All: one account, AUTH PLAIN over implicit TLS, the same P-256 certificate,
all mail to the same next host at 127.0.0.2, which offers STARTTLS, PIPELINING,
8BITMIME and, as the large providers, Postfix and Exim do, CHUNKING (not with
`--no-chunking`); messages of 4 KiB except in load d.
"""

OPENSMTPD = """**opensmtpd** is not in this run; `contrib/bench opensmtpd` has
it. Debian 12's own package breaks off every TLS handshake; that of its
backports (7.4.0p1) works and delivered 5 to 15 messages a second in a short run
of all loads, whatever came in, at 1.4 to 4.8 ms of CPU a message of 4 KiB: the
loads above would not end in their time."""
