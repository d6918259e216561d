"""What is asked of each client, and the table that it is in."""
import glob
import os
import subprocess
import urllib.parse

from harness import Folder, USER

# Without blanks: files of some have no way to write one.
PASSWORD = "correct-horse"
TO, REFUSED = "friend@dest.test", "gone@dest.test"
TRIALS = ("ASCII", "UTF-8", "5 MiB", "wrong password", "refused recipient")
LARGE = "".join(f"{i:07} {'x' * 60}\n" for i in range(5 * 1024 * 1024 // 69 + 1))
files = Folder()


class Missing(Exception):
    """A package cannot be had here."""


class Trial:
    """One message by one client at one port."""

    def __init__(self, relay, implicit, what, number):
        self.implicit, self.ca, self.what = implicit, relay.cert, what
        self.port = relay.tls_port if implicit else relay.starttls_port
        self.password = "wrong" if what == "wrong password" else PASSWORD
        self.to = REFUSED if what == "refused recipient" else TO
        letters = what == "UTF-8"
        self.subject = f"trial {number}" + (" Gr\u00fc\u00dfe" if letters else "")
        self.body = (LARGE if what == "5 MiB" else
                     "Gr\u00fc\u00dfe aus K\u00f6ln, \u65e5\u672c\n" if letters
                     else "Hello.\n.\nThe end.\n")
        self.text = (f"From: {USER}\nTo: {self.to}\nSubject: {self.subject}\n"
                     "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
                     f"Content-Transfer-Encoding: 8bit\n\n{self.body}")
        self.env = {}
        self.number = number
        self.told = None  # called: whether a report came to the sender since

    def file(self, name, text, mode=0o600):
        return files.write(name, text, mode)

    def folder(self, name):
        """A new one, of this trial alone."""
        path = files(f"{self.number}-{name}")
        os.makedirs(path, 0o755)
        return path

    def login(self):
        """For a URL."""
        return ":".join(urllib.parse.quote(text, safe="")
                        for text in (USER, self.password))

    def scheme(self):
        return "smtps" if self.implicit else "smtp"


class Entry:
    """A client. `packages` are installed, `unpacked` ones are not: what is in them
    would not stand beside what is installed, or would be started. `ports` and
    `trials`: what it can."""

    def __init__(self, name, function, packages="", program=None, unpacked="",
                 ports=(465, 587), trials=TRIALS):
        self.name, self.function = name, function
        self.packages, self.unpacked = packages.split(), unpacked.split()
        self.program = program or (None if self.unpacked else name)
        self.ports, self.trials = ports, trials

    def can(self, port, what):
        return port in self.ports and what in self.trials


CLIENTS = {}


def client(packages, program=None, ports=(465, 587), **more):
    """The function gives what to run and its standard input; a server's gives how it
    went and what it said (Ran)."""
    def add(function):
        name = function.__name__.replace("_", " ")
        CLIENTS[name] = Entry(name, function, packages, program, ports=ports, **more)
        return function
    return add


class Ran:
    """What became of the message, where no program's end says so."""

    def __init__(self, returncode, said):
        self.returncode, self.said = returncode, said


def unpacked(package):
    """Where a package's files are, fetched once in a run and installed nowhere."""
    place = files("unpacked-" + package)
    if os.path.isdir(place):
        return place
    deb = files("deb-" + package)
    os.makedirs(deb)
    run = subprocess.run(
        ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package],
        cwd=deb, capture_output=True, text=True, check=False)
    found = glob.glob(os.path.join(deb, "*.deb"))
    if run.returncode != 0 or not found:
        raise Missing(f"{package} cannot be had: {run.stderr.strip()[-200:]}")
    subprocess.run(["dpkg-deb", "-x", found[0], place], check=True)
    return place


