"""What must be there before a run: packages, a build, a certificate."""
import os
import shutil
import subprocess
import sys

from benching.machine import BUILD, TOP, run, say


def prepare(servers):
    """Packages and a fresh build; Haraka's packages only if it is wanted."""
    if os.geteuid() != 0:
        sys.exit("bench: the other servers need root to start")
    kinds = ["build", "run", "bench"]
    if "haraka" in servers and shutil.which("npm") is None:
        kinds.append("node")
    packages(*kinds)
    # One after the other: `all` is a make of its own, which would build the
    # same library at the same time.
    build("all", "bench")


def packages(*kinds):
    subprocess.run([os.path.join(TOP, "contrib", "packages"), *kinds],
                   check=True)


def build(*goals):
    """With -O2 in BUILD, one goal after the other."""
    os.makedirs(BUILD, exist_ok=True)
    if not os.access(os.path.join(TOP, "configure"), os.X_OK):
        run("autoreconf", "-fi", cwd=TOP)
    if not os.path.exists(os.path.join(BUILD, "Makefile")):
        say("configure ...")
        run(os.path.join(TOP, "configure"), "-q", "CFLAGS=-O2 -g", cwd=BUILD)
    say("make ...")
    for goal in goals:
        run("make", "-s", f"-j{os.cpu_count()}", goal, cwd=BUILD)


def make_certificate(folder):
    cert = os.path.join(folder, "cert.pem")
    key = os.path.join(folder, "key.pem")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-keyout", key, "-out", cert)
    os.chmod(key, 0o600)
    return cert, key
