"""A server in a throw-away folder: what all of them have in common."""
import glob
import os
import shutil
import socket
import tempfile
import time

from benching.machine import PEERS, USER, free_port, run, say
from benching.processes import Keeper


class Server:
    """A server in a throw-away folder; a class below says how."""
    # What is on stable storage when it says 250, in a few words.
    name = version = notes = synced = ""
    sink_options = []  # for its next host, smtp_sink
    accounts = (USER,)

    def __init__(self, folder, certificate, sink_port):
        self.folder = os.path.join(folder, self.name)
        os.mkdir(self.folder, 0o755)
        self.cert, self.key = certificate
        self.sink_port = sink_port
        self.port = free_port("127.0.0.1")
        self.keeper = None
        self.pause = 0.1  # seconds, between looks whether it listens

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def start(self):
        self.keeper = Keeper(self.command(), self.path("out"), self.env())
        end = time.monotonic() + 60
        while time.monotonic() < end and self.keeper.is_alive():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(self.pause)
        raise RuntimeError(f"{self.name} does not listen:\n{self.last_words()}")

    def last_words(self):
        text = ""
        for name in ("out", "log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), encoding="utf-8",
                          errors="replace") as f:
                    text += f.read()[-1500:]
        return text

    def env(self):
        return None

    def stop(self):
        if self.keeper:
            self.keeper.end()
            self.keeper = None


class Unpacked(Server):
    """A server that cannot be installed beside Postfix: unpacked from its
    package, and run where /etc, /var/lib, /var/spool and /run are its own."""
    packages, users, binary = (), (), ""

    # Where it comes from if not from the machine's own release; its settings
    # and lists then lie in `folder`, and the machine's own stay as they are.
    suite = ""

    @classmethod
    def apt(cls, folder):
        """The options of apt-get with which the package can be found."""
        options = ["-q", "-o", "APT::Sandbox::User=root"]
        if not cls.suite:
            return options
        # The same archive that this machine takes its packages from.
        archive = run("apt-get", "indextargets", "--format", "$(REPO_URI)",
                      "Created-By: Packages").split()[0]
        for name in ("lists/partial", "cache/archives/partial"):
            os.makedirs(os.path.join(folder, name))
        with open(os.path.join(folder, "sources"), "w", encoding="ascii") as f:
            f.write(f"deb {archive} {cls.suite} main\n")
        for key, value in (("Dir::Etc::sourcelist", "sources"),
                           ("Dir::State::lists", "lists"),
                           ("Dir::Cache", "cache")):
            options += ["-o", f"{key}={os.path.join(folder, value)}"]
        options += ["-o", "Dir::Etc::sourceparts=-"]
        run("apt-get", *options, "update")
        return options

    @classmethod
    def fetch(cls, place):
        """Unpacks the packages into a folder; what its program misses."""
        with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
            run("apt-get", *cls.apt(folder), "download", *cls.packages,
                cwd=folder)
            for package in glob.glob(os.path.join(folder, "*.deb")):
                run("dpkg-deb", "-x", package, place)
                version = run("dpkg-deb", "-f", package, "Version")
                with open(place + "/version", "w", encoding="ascii") as f:
                    f.write(version.strip())
        return run("ldd", place + cls.binary)

    @classmethod
    def unpack(cls):
        """Where the package's files are; None if it cannot be had."""
        place = os.path.join(PEERS, cls.name)
        if os.path.isdir(place):
            return place
        os.makedirs(PEERS, exist_ok=True)
        try:
            missing = cls.fetch(place + ".new")
        except RuntimeError as error:
            say(str(error))
            return None
        if "not found" in missing:
            say(f"{cls.name}: libraries are missing:\n{missing}")
            return None
        os.rename(place + ".new", place)
        return place

    @classmethod
    def can(cls):
        return cls.unpack() is not None

    def __init__(self, *args):
        super().__init__(*args)
        with open(os.path.join(self.unpack(), "version"),
                  encoding="ascii") as f:
            self.version = f"{self.name} {f.read()}"
        self.program = self.path(os.path.basename(self.binary))
        shutil.copy(self.unpack() + self.binary, self.program)
        for name in ("etc", "lib", "spool", "run"):
            os.mkdir(self.path(name), 0o755)
        for name in ("nsswitch.conf", "hosts", "resolv.conf", "ld.so.cache",
                     "services", "passwd", "group", "mailname", "protocols"):
            if os.path.exists("/etc/" + name):
                shutil.copy("/etc/" + name, self.path("etc"))
        for number, user in enumerate(self.users, 62001):
            for name, tail in (("passwd", "::/:/usr/sbin/nologin"),
                               ("group", ":")):
                with open(self.path("etc/" + name), "a", encoding="ascii") as f:
                    f.write(f"{user}:x:{number}" + (
                        f":{number}" if name == "passwd" else "") + tail + "\n")
        self.prepare()

    def prepare(self):
        """Writes the configuration."""

    def program_line(self):
        """The command, in the folders of its own."""
        return ""

    def command(self):
        binds = "".join(
            f"mount --bind {self.path(a)} {b} && " for a, b in
            (("etc", "/etc"), ("lib", "/var/lib"), ("spool", "/var/spool"),
             ("run", "/run")))
        return ["unshare", "-m", "sh", "-c",
                binds + "exec " + self.program_line()]
