"""What the tests of the built programs share: a relay in a folder of its own,
receiving hosts that do as they are told, a name server, and TAP.

Nothing here uses a fixed port or an address outside of 127.0.0.0/8.
"""
import atexit
import json
import os
import shutil
import signal
import smtplib
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = os.environ.get("top_builddir", os.getcwd())
SOURCE = os.environ.get(
    "top_srcdir",
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
USER = "user@example.com"
PASSWORD = "correct horse"
PATIENCE = 60.0


given = set()  # ports, to somebody who may not have bound them yet


def free_port(address="127.0.0.1", kind=socket.SOCK_STREAM):
    """One that nobody has; a test gets no port twice."""
    while True:
        with socket.socket(socket.AF_INET, kind) as s:
            s.bind((address, 0))
            port = s.getsockname()[1]
        if port not in given:
            given.add(port)
            return port


def wait_for(what, condition, seconds=PATIENCE):
    """The condition's first true value; an error that says what did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def which(program):
    for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]:
        path = os.path.join(folder, program)
        if os.access(path, os.X_OK):
            return path
    raise AssertionError(f"{program} is not installed (contrib/check does)")


class Folder:
    """A temporary folder that goes with the process."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="postern-test-")
        atexit.register(shutil.rmtree, self.path, True)

    def __call__(self, name):
        return os.path.join(self.path, name)

    def write(self, name, text, mode=0o600):
        with open(self(name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self(name), mode)
        return self(name)


def make_certificate(folder, name="localhost", names=("DNS:localhost",
                                                      "IP:127.0.0.1"),
                     kind=("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "30", "-subj",
         f"/CN={name}", "-addext", "subjectAltName=" + ",".join(names),
         "-keyout", folder(name + ".key"), "-out", folder(name + ".pem")],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(folder(name + ".key"), 0o600)
    return folder(name + ".pem"), folder(name + ".key")


class Relay:
    """A posternd with its configuration, accounts and spool."""

    newest = None  # whose log is shown when a test fails

    def __init__(self, route=None, resolver=None, deliver_port=None,
                 retry="{ 1s, 1s }", extra="", users=None, hostname=None,
                 auth=""):
        self.folder = Folder()
        self.tls_port, self.starttls_port = free_port(), free_port()
        self.hostname = hostname or "relay.example.com"
        self.cert, self.key = make_certificate(
            self.folder, names=("DNS:localhost", "IP:127.0.0.1",
                                "DNS:" + self.hostname))
        self.auth = auth  # more of that section
        self.process = None
        Relay.newest = self
        self.log_path = self.folder("log")
        self.conf = self.folder("postern.conf")
        self.write_conf(route, resolver, deliver_port, retry, extra)
        for name, password in (users or {USER: PASSWORD}).items():
            self.tool("user", "add", name, "--stdin", stdin=password + "\n")
        atexit.register(self.kill)

    def write_conf(self, route=None, resolver=None, deliver_port=None,
                   retry="{ 1s, 1s }", extra=""):
        text = f"""
hostname = {self.hostname}
listen submissions {{ address = "127.0.0.1:{self.tls_port}"  tls = implicit }}
listen submission {{ address = "127.0.0.1:{self.starttls_port}"  tls = starttls }}
tls {{ certificate = "{self.cert}"
       key = "{self.key}" }}
auth {{ users = "{self.folder('users')}" {self.auth} }}
spool {{ directory = "{self.folder('spool')}" }}
queue {{ retry = {retry} }}
control {{ socket = "{self.folder('ctl')}" }}
deliver {{ allow-loopback = true
           {f'port = {deliver_port}' if deliver_port else ''} }}
"""
        if resolver:
            text += f'resolver {{ servers = {{ "{resolver}" }} }}\n'
        elif "resolver {" not in extra:
            # Nobody: domains that are sent from are asked about, and the
            # system's name servers are no part of a test.
            # In no line of its own: tests name lines.
            text = text[:-1] + ' resolver { servers = { "127.0.0.1:1" } }\n'
        if route:
            text += f'route default {{ relay = "{route}" }}\n'
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(text + extra)
            if "account default" not in extra:
                # Tests send more than the defaults let an account send.
                f.write("\naccount default { messages = none recipients = none "
                        "new-recipients = none brake = off }\n")

    def tool(self, *args, stdin=None, check=True, binary=False):
        run = subprocess.run([os.path.join(BUILD, "postern"), "-c", self.conf,
                              *args], input=stdin, capture_output=True,
                             text=not binary, timeout=120, check=False)
        if check and run.returncode != 0:
            raise AssertionError(f"postern {' '.join(args)}: exit "
                                 f"{run.returncode}: {run.stderr}")
        return run

    def json(self, *args):
        return json.loads(self.tool(*args, "--json").stdout)

    def start(self):
        self.loaded = self.log().count("queue_loaded ")
        with open(self.log_path, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [os.path.join(BUILD, "posternd"), "-c", self.conf],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def up():
            if self.process.poll() is not None:
                raise AssertionError("posternd ended: " + self.log())
            try:
                socket.create_connection(("127.0.0.1", self.starttls_port),
                                         1).close()
                return True
            except OSError:
                return False
        wait_for("posternd listens", up)
        # A large spool is still read then; tests look for its messages.
        if self.log().count("queue_loaded ") == self.loaded:
            wait_for("the spool is read", lambda: not self.json(
                "status")["spool"]["loading"])
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.process = None
        if code != 0:
            raise AssertionError(f"posternd ended with {code}: {self.log()}")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8") as f:
            return f.read()

    def wait_log(self, *words, seconds=PATIENCE):
        """The first log line that has all the words."""
        def line():
            for one in self.log().splitlines():
                if all(w in one for w in words):
                    return one
            return None
        return wait_for(f"log line with {words}", line, seconds)

    def waiting(self):
        return self.json("status")["waiting"]

    def wait_empty(self, left=0):
        """Until no more than `left` wait. It takes as long as the queue goes on
        to shrink; an error says how many were left when it did not."""
        least, end = self.waiting(), time.monotonic() + PATIENCE
        while least > left:
            if time.monotonic() > end:
                raise AssertionError(f"{least} messages still wait: none left "
                                     f"the queue for {PATIENCE:.0f} s")
            time.sleep(0.02)
            now = self.waiting()
            if now < least:
                least, end = now, time.monotonic() + PATIENCE

    def client(self, login=True, port=None, user=USER):
        """smtplib through the implicit-TLS port, logged in."""
        s = smtplib.SMTP_SSL("127.0.0.1", port or self.tls_port, timeout=20,
                             context=trusting())
        s.ehlo("client.test")
        if login:
            s.login(user, PASSWORD)
        return s

    def send(self, to, body=None, sender=USER, mail=(), rcpt=(), **kw):
        """Submits one message, with parameters of MAIL and of each RCPT; returns
        its id."""
        body = body or message(to, sender=sender or USER)
        to = [to] if isinstance(to, str) else to
        with self.client(**kw) as s:
            expect(s.mail(sender, mail), 250)
            for one in to:
                expect(s.rcpt(one, rcpt), 250)
            code, text = s.data(body)
            expect((code, text), 250)
            return text.decode().split()[-1]


def trusting():
    """Made new for each connection: so without the system's authorities, whose
    reading takes 20 ms of a processor that the relay needs."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def expect(reply, code):
    if reply[0] != code:
        raise AssertionError(f"reply {reply}, expected {code}")
    return reply[1]


def message(to, subject="test", body="Hello.\r\n", sender=USER):
    to = to if isinstance(to, str) else ", ".join(to)
    return (f"From: <{sender}>\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{subject.replace(' ', '.')}@client.test>\r\n"
            f"\r\n{body}")


class Got:
    """A message that a receiving host took."""

    def __init__(self, sender, rcpts, data, tls, connection):
        self.sender, self.rcpts, self.data = sender, rcpts, data
        self.tls, self.connection = tls, connection


class Host:
    """A receiving host. `script` is asked (verb, argument, state) for a reply;
    None takes the usual one. Replies are text without the line end; the special
    reply "drop" breaks the connection."""

    def __init__(self, script=None, address="127.0.0.1", port=0,
                 certificate=None, pipelining=True, login=None,
                 implicit=False, chunking=False, dsn=False, utf8=False,
                 extensions=(), seven_bit=False):
        self.dsn, self.utf8, self.extensions = dsn, utf8, extensions
        self.seven_bit = seven_bit
        self.script, self.pipelining, self.login = script, pipelining, login
        self.chunking = chunking
        self.got, self.commands, self.connections = [], [], 0
        self.lock = threading.Lock()
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.implicit = implicit
        host = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    Talk(host, self.request).run()
                except (OSError, EOFError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 512

        self.server = Server((address, port), Handler)
        self.address, self.port = self.server.server_address
        threading.Thread(target=self.server.serve_forever, args=(0.05,),
                         daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def wait(self, count=1, seconds=PATIENCE):
        wait_for(f"{count} messages at the receiving host",
                 lambda: len(self.got) >= count, seconds)
        return self.got

    def url(self):
        return f"smtp://{self.address}:{self.port}"


class Talk:
    """One connection to a Host."""

    def __init__(self, host, sock):
        self.host, self.sock = host, sock
        # Its short replies to a pipeline would wait 40 ms for an ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sender, self.rcpts, self.secure = None, [], False
        with host.lock:
            host.connections += 1
            self.number = host.connections
        if host.implicit:
            self.secure_now()
        self.file = self.sock.makefile("rb")

    def secure_now(self):
        self.sock = self.host.tls.wrap_socket(self.sock, server_side=True)
        self.secure = True

    def say(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def usual(self, verb, arg):
        if verb == "EHLO":
            lines = ["host.test", "SIZE 104857600"]
            if not self.host.seven_bit:
                lines.append("8BITMIME")
            if self.host.pipelining:
                lines.append("PIPELINING")
            if self.host.chunking:
                lines.append("CHUNKING")
            if self.host.dsn:
                lines.append("DSN")
            if self.host.utf8:
                lines.append("SMTPUTF8")
            lines += self.host.extensions
            if self.host.tls and not self.secure:
                lines.append("STARTTLS")
            if self.host.login and self.secure:
                lines.append("AUTH PLAIN")
            return "\r\n".join([f"250-{x}" for x in lines[:-1]] +
                               [f"250 {lines[-1]}"])
        if verb == "AUTH":
            return ("235 2.7.0 ok" if arg == self.host.login
                    else "535 5.7.8 no")
        if verb in ("DATA", "BDAT") and not self.rcpts:
            return "554 5.5.1 no valid recipients"
        return {"CONNECT": "220 host.test ESMTP", "DATA": "354 go on",
                "QUIT": "221 bye", "STARTTLS": "220 go",
                "END": "250 2.0.0 taken"}.get(verb, "250 2.0.0 ok")

    def answer(self, verb, arg, taken=None):
        """Says what the script or habit wants; `taken` is in host.got first,
        for who looks as soon as the relay has its answer."""
        with self.host.lock:
            self.host.commands.append((verb, arg))
        reply = self.host.script and self.host.script(verb, arg, self)
        reply = reply or self.usual(verb, arg)
        if reply == "drop":
            raise EOFError
        good = reply[0] in "23"
        if good and taken is not None:
            with self.host.lock:
                self.host.got.append(taken)
        self.say(reply)
        return good

    def run(self):
        self.answer("CONNECT", "")
        while True:
            line = self.file.readline()
            if not line:
                return
            verb, _, arg = line.decode("latin-1").strip().partition(" ")
            verb = verb.upper()
            if verb == "BDAT" and self.host.chunking:
                self.chunk(arg)
                continue
            good = self.answer(verb, arg)
            if verb == "STARTTLS" and good:
                self.secure_now()
                self.file = self.sock.makefile("rb")
            elif verb == "MAIL" and good:
                self.sender, self.rcpts = path(arg), []
            elif verb == "RCPT" and good:
                self.rcpts.append(path(arg))
            elif verb == "DATA" and good:
                self.content()
            elif verb == "QUIT":
                return

    def chunk(self, arg):
        """RFC 3030: it is read, whatever is answered. One is a message: the
        relay sends no more of them, but for the first one of a connection,
        which is empty."""
        size, _, last = arg.partition(" ")
        if arg == "0":
            self.answer("BDAT", arg)
            return
        data = self.file.read(int(size))
        if len(data) < int(size) or last != "LAST":
            raise EOFError
        got = Got(self.sender, self.rcpts, data, self.secure, self.number)
        self.answer("BDAT", arg, got)

    def content(self):
        data = bytearray()
        while True:
            line = self.file.readline()
            if not line:
                raise EOFError
            if line == b".\r\n":
                break
            data += line[1:] if line.startswith(b".") else line
        data = bytes(data)
        got = Got(self.sender, self.rcpts, data, self.secure, self.number)
        self.answer("END", data, got)


def path(arg):
    return arg[arg.index("<") + 1:arg.index(">")]


class Names:
    """dnsmasq with the records of a test: lines of its configuration."""

    def __init__(self, *lines):
        self.folder = Folder()
        # Another test may take the port (of TCP or UDP) just before us.
        for _ in range(5):
            if self.start(lines):
                return
        raise AssertionError("dnsmasq does not start")

    def change(self, *lines):
        """Other records, at the same port."""
        self.process.kill()
        self.process.wait()
        if not self.start(lines, self.port):
            raise AssertionError("dnsmasq does not start again")

    def start(self, lines, port=None):
        self.port = port or free_port(kind=socket.SOCK_DGRAM)
        self.server = f"127.0.0.1:{self.port}"
        conf = self.folder.write("dnsmasq.conf", "\n".join(
            ["no-resolv", "no-hosts", "keep-in-foreground", f"port={self.port}",
             "listen-address=127.0.0.1", "bind-interfaces", "no-daemon",
             "local=/test/", "local=/invalid/", "user=root", "local-ttl=10",
             *lines]) + "\n")
        self.process = subprocess.Popen(
            [which("dnsmasq"), "-C", conf, "--pid-file="],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        atexit.register(self.process.kill)
        wait_for("dnsmasq listens or ends",
                 lambda: self.process.poll() is not None or self.listens())
        time.sleep(0.1)
        return self.process.poll() is None

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False


class Skip(Exception):
    """Raised by a test that cannot be run on this machine; says why."""


def run_tests(namespace):
    """Runs every function named test_*, in order of definition; prints TAP."""
    tests = [(n, f) for n, f in namespace.items() if n.startswith("test_")]
    chosen = sys.argv[1:]
    tests = [t for t in tests if not chosen or t[0] in chosen]
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as e:
            print(f"ok {number} - {name} # SKIP {e}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
            for line in (Relay.newest.log().splitlines()[-25:]
                         if Relay.newest else []):
                print(f"# log: {line}", flush=True)
    sys.exit(1 if failed else 0)
