"""Where things are, what this machine is, and commands that must succeed."""
import os
import platform
import re
import socket
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.join(TOP, "build-check", "bench")
PEERS = os.path.join(BUILD, "peers")
USER, PASSWORD = "user@example.com", "secret"
SINK = "127.0.0.2"


def say(text):
    print(text, file=sys.stderr, flush=True)


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n"
                           f"{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def free_port(address):
    with socket.socket() as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def program(name):
    """A program of tests/bench, as `make bench` leaves it."""
    return os.path.join(BUILD, "tests", "bench", name)


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        found = re.search(r"^model name\s*: (.*)$", f.read(), re.M)
        model = found[1] if found else model
    with open("/proc/meminfo", encoding="utf-8") as f:
        total = int(f.readline().split()[1]) / 1048576
    return (f"{os.cpu_count()} cores ({model}), {total:.0f} GiB, Linux "
            f"{platform.release()}")


def unescaped(path):
    """As the kernel writes it, with \\040 for a space."""
    return re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), path)


def filesystem(folder):
    """The type's name at the mount that the folder is under: the longest of
    those that fit, the last of those that are the same. (By its number, which
    is all that statfs gives, ext4 cannot be told from ext2.)"""
    folder, longest, name = os.path.realpath(folder), "", "unknown"
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            mount, _, source = line.partition(" - ")
            point = unescaped(mount.split()[4])
            inside = os.path.join(point, "")
            if ((folder + "/").startswith(inside)
                    and len(inside) >= len(longest)):
                longest, name = inside, source.split()[0]
    return name

