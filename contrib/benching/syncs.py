"""contrib/bench syncs: whether a client feels that the state is synced. One client
hands in messages, one after the other, for a minute; the syncs of the state's thread,
and of no other, are traced. All of it is one run, so that what else the machine does is
the same for messages beside a sync and for all others."""
import os
import re
import shutil
import smtplib
import ssl
import subprocess
import sys
import time

from benching.loads import start_sink
from benching.machine import PASSWORD, SINK, USER, free_port, machine, say
from benching.prepare import make_certificate
from benching.processes import end_process, tree
from benching.trust import PosternKeeps

NEAR = 0.05  # s
TOGETHER = 200  # messages of one connection
CALL = re.compile(r"^(\d+\.\d+) \w+\(.*<([\d.]+)>$")


def state_thread(server):
    """The id of the thread that syncs the state."""
    for pid in tree(server.keeper.pid):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/comm", encoding="ascii",
                      errors="replace") as f:
                if f.read().strip() == "state":
                    return task
    raise RuntimeError("the relay has no thread for its state")


def send_for(server, seconds):
    """When each message was begun and answered for."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    times, end = [], time.time() + seconds
    while time.time() < end:
        with smtplib.SMTP_SSL("127.0.0.1", server.port, context=context) as s:
            s.login(USER, PASSWORD)
            for _ in range(TOGETHER):
                to = f"r{len(times)}@dest.test"
                text = (f"From: {USER}\r\nTo: {to}\r\nSubject: {len(times)}"
                        "\r\n\r\nbody\r\n")
                began = time.time()
                s.mail(USER)
                s.rcpt(to)
                code, words = s.data(text)
                times.append((began, time.time()))
                if code != 250:
                    raise RuntimeError(words)
    return times


def read_calls(path):
    with open(path, encoding="ascii", errors="replace") as f:
        found = [CALL.match(line.strip()) for line in f]
    return [(float(m[1]), float(m[1]) + float(m[2])) for m in found if m]


def is_by(message, syncs, near):
    return any(message[0] < end + near and message[1] > began - near
               for began, end in syncs)


def tell(what, messages):
    took = sorted(b - a for a, b in messages)
    if not took:
        print(f"{what:<24} none")
        return
    at = {q: took[min(len(took) - 1, int(len(took) * q))] * 1e3
          for q in (0.5, 0.99)}
    print(f"{what:<24} {len(took):6} messages  p50 {at[0.5]:.2f} ms  "
          f"p99 {at[0.99]:.2f} ms  most {took[-1] * 1e3:.1f} ms")


def run_syncs(folder, seconds):
    if shutil.which("strace") is None:
        sys.exit("bench: strace is not installed (contrib/packages test)")
    server = PosternKeeps(folder, make_certificate(folder), free_port(SINK))
    trace = os.path.join(folder, "trace")
    sink = start_sink(server, 0, 1 << 30, "x")
    try:
        server.start()
        watch = subprocess.Popen(
            ["strace", "-qq", "-T", "-ttt", "-e", "trace=fsync,fdatasync",
             "-o", trace, "-p", state_thread(server)])
        time.sleep(1)
        say(f"one client, {seconds} s")
        busy = os.getloadavg()[0]
        times = send_for(server, seconds)
        watch.terminate()
        watch.wait()
    finally:
        server.stop()
        end_process(sink)
    syncs = read_calls(trace)
    by = [t for t in times if is_by(t, syncs, NEAR)]
    print(machine())
    print(f"load of the machine {busy:.1f} at the start, "
          f"{os.getloadavg()[0]:.1f} at the end; the state was synced "
          f"{len(syncs)} times")
    tell("all", times)
    tell("none of a sync near", [t for t in times
                                 if not is_by(t, syncs, NEAR)])
    tell("a sync within 50 ms", by)
    tell("a sync at that time", [t for t in by if is_by(t, syncs, 0)])
