"""contrib/bench dkim: what a signature costs, beside Postfix with OpenDKIM."""
import os
import shutil
import subprocess
import tempfile

from benching.loads import run_all
from benching.machine import BUILD, SINK, free_port, machine, run, say
from benching.postern import Postern
from benching.postfix import Postfix
from benching.prepare import make_certificate
from benching.report import aligned

DOMAIN = "example.com"


class PosternUnsigned(Postern):
    name = "postern"
    algorithms = ()  # that sign, as file names have them

    def __init__(self, *args):
        super().__init__(*args)
        if not self.algorithms:
            return
        self.tool("dkim", "add", DOMAIN)
        for file in os.listdir(self.path("dkim")):
            if file.endswith(".pem") and not any(
                    f"-{a}." in file for a in self.algorithms):
                os.unlink(os.path.join(self.path("dkim"), file))
        self.tool("dkim", "activate", DOMAIN, "--force")

    def tool(self, *args):
        run(os.path.join(BUILD, "postern"), "-c", self.path("postern.conf"),
            *args)


class PosternEd25519(PosternUnsigned):
    name, algorithms = "postern-ed25519", ("ed25519",)


class PosternRsa(PosternUnsigned):
    name, algorithms = "postern-rsa", ("rsa",)


class PosternBoth(PosternUnsigned):
    name, algorithms = "postern-both", ("rsa", "ed25519")


class PostfixOpenDKIM(Postfix):
    """RSA of 2048 bits, the same canonical form, as a milter of smtpd."""
    name = "postfix-opendkim"

    def __init__(self, *args):
        self.milter = free_port("127.0.0.1")
        super().__init__(*args)
        # It takes no file from below a folder that everybody may write in.
        self.safe = tempfile.mkdtemp(prefix="postern-bench-", dir="/run")
        run("openssl", "genrsa", "-out", self.of_milter("key"), "2048")
        os.chmod(self.of_milter("key"), 0o600)
        with open(self.of_milter("conf"), "w", encoding="ascii") as f:
            f.write(f"""
Mode s
Domain {DOMAIN}
Selector bench
KeyFile {self.of_milter("key")}
Socket inet:{self.milter}@127.0.0.1
Canonicalization relaxed/relaxed
OversignHeaders From
SignatureAlgorithm rsa-sha256
Background yes
PidFile {self.of_milter("pid")}
""")

    def of_milter(self, name):
        return os.path.join(self.safe, name)

    @staticmethod
    def can():
        return Postfix.can() and shutil.which(
            "opendkim", path="/usr/sbin:/usr/bin") is not None

    def road(self):
        return (super().road() + f"""
smtpd_milters = inet:127.0.0.1:{self.milter}
milter_default_action = tempfail""")

    def command(self):
        return ["sh", "-c", "opendkim -x {} && exec {}".format(
            self.of_milter("conf"), " ".join(super().command()))]

    def stop(self):
        # A daemon of its own, whose id stands in its file.
        if os.path.exists(self.of_milter("pid")):
            with open(self.of_milter("pid"), encoding="ascii") as f:
                subprocess.run(["kill", f.read().strip()], check=False)
        super().stop()
        shutil.rmtree(self.safe, ignore_errors=True)


SERVERS = (PosternUnsigned, PosternEd25519, PosternRsa, PosternBoth, Postfix,
           PostfixOpenDKIM)


COLUMNS = (("CPU ms/msg", 3), ("accepted/s", 0), ("delivered/s", 0),
           ("p99 ms", 1))  # and digits


def middle(values):
    return sorted(values)[len(values) // 2]


def run_dkim(folder, loads, rounds, short):
    run_kinds(SERVERS, folder, loads, rounds, short)


def run_kinds(kinds, folder, loads, rounds, short):
    certificate, port = make_certificate(folder), free_port(SINK)
    servers = []
    try:
        for kind in kinds:
            if not kind.can():
                say(f"{kind.name}: not to be had here")
                continue
            servers.append(kind(folder, certificate, port))
            servers[-1].start()
        results = run_all(servers, loads, rounds, short)
    finally:
        for server in servers:
            server.stop()
    print(machine())
    for load, rows in results.items():
        print(f"\nload {load}")
        lines = [["server", *(k for k, _ in COLUMNS)]]
        for name, figures in rows.items():
            lines.append([name, *(f"{middle([r[k] for r in figures]):.{d}f}"
                                  for k, d in COLUMNS)])
        print("\n".join(aligned(lines)))
