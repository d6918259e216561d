"""Servers, and what stands in for one, which use the relay as smarthost; and programs
that watch others, and write of what they see. Each is started for one message, and its
own queue or log says what became of it."""
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request

from exim import Exim
from harness import USER, free_port
from postfix import Postfix
from trying.trial import TRIALS, Ran, client, files, unpacked

PATIENCE = 25
SMALL = tuple(what for what in TRIALS if what != "5 MiB")


def until(condition):
    """Its first true value, or None."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    return None


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def first_of(path, good, bad):
    """What the log says first: a Ran; `good` and `bad` are words of it."""
    def verdict():
        text = read(path)
        for words, code in ((bad, 1), (good, 0)):
            if any(w in text for w in words):
                return Ran(code, text)
        return None
    return until(verdict) or Ran(2, "no verdict: " + read(path)[-300:])


class World:
    """A package unpacked over the system's files, in a namespace of its own where
    /etc, /var and /run can be written and nobody sees it."""

    def __init__(self, t, package, users=()):
        self.folder = t.folder("world")
        self.package = unpacked(package)
        os.chmod(self.folder, 0o755)
        for name in ("etc", "spool"):
            os.makedirs(self.path(name))
        self.users = users

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text, mode=0o644):
        """Under /etc there."""
        path = self.path("etc/" + name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return "/etc/" + name

    def add_users(self):
        for file, tail in (("passwd", "::/:/usr/sbin/nologin"), ("group", ":")):
            with open("/etc/" + file, encoding="utf-8") as f:
                text = f.read()
            for number, user in enumerate(self.users, 62011):
                text += f"{user}:x:{number}" + (
                    f":{number}" if file == "passwd" else "") + tail + "\n"
            self.write(file, text)

    def argv(self, line):
        """/etc has what was written over the system's, /usr what is in the package;
        /var/spool is empty but for `spool`."""
        if self.users:
            self.add_users()
        top = self.package
        etc = ":".join(f for f in (self.path("etc"), top + "/etc", "/etc")
                       if os.path.isdir(f))
        mounts = [f"mount -t overlay -o lowerdir={etc} overlay /etc"]
        if os.path.isdir(top + "/usr"):
            mounts.append(f"mount -t overlay -o lowerdir={top}/usr:/usr overlay /usr")
        mounts.append(f"mount --bind {self.path('spool')} /var/spool")
        return ["unshare", "-m", "sh", "-c", " && ".join(mounts) + " && " + line]

    def run(self, line, given=""):
        run = subprocess.run(self.argv("exec " + line), input=given.encode(),
                             capture_output=True, timeout=PATIENCE, check=False)
        return Ran(run.returncode, (run.stdout + run.stderr).decode(
            "utf-8", "replace"))

    def start(self, line, log):
        """What runs until it is ended; its words go to a file."""
        with open(self.path(log), "wb") as out:
            return subprocess.Popen(self.argv("exec " + line), stdout=out, stderr=out,
                                    stdin=subprocess.DEVNULL, start_new_session=True)


def end(process):
    """It and its children, which are a session of their own."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@client("postfix", "postconf")
def Postfix_as_smarthost(t):
    postfix = Postfix(t.port, f"""
relayhost = [localhost]:{t.port}
smtp_tls_wrappermode = {"yes" if t.implicit else "no"}
smtp_host_lookup = native
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = nexthop
smtp_tls_CAfile = {t.ca}
smtp_sasl_auth_enable = yes
smtp_sasl_security_options = noanonymous
smtp_sasl_password_maps = inline:{{ {{ [localhost]:{t.port} = {USER}:{t.password} }} }}
""", delay="0")
    try:
        postfix.send("", USER, [(t.to, ())], text=t.text.replace("\n", "\r\n").encode())
        return first_of(postfix.folder("log"), ("status=sent",),
                        ("status=deferred", "status=bounced"))
    finally:
        postfix.run("postfix", "stop")


@client("", unpacked="exim4-daemon-light")
def Exim_as_smarthost(t):
    ca = os.path.join(t.folder("ca"), "ca.pem")
    shutil.copy(t.ca, ca)
    os.chmod(ca, 0o644)
    os.chmod(files.path, 0o711)
    exim = Exim(t.port, transport=f"""
  hosts = localhost
  hosts_override
  gethostbyname
  hosts_require_auth = *
  hosts_require_tls = *
  tls_verify_certificates = {ca}
  tls_verify_hosts = *
  protocol = {"smtps" if t.implicit else "smtp"}
""", more=f"""
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^{USER}^{t.password}
""")
    try:
        exim.send(USER, t.to, t.text.replace("\n", "\r\n").encode())
        return first_of(exim.folder("spool/log-main"), (f" => {t.to}",),
                        (f" ** {t.to}", f" == {t.to}"))
    finally:
        exim.stop()


@client("", unpacked="nullmailer")
def nullmailer(t):
    world = World(t, "nullmailer")
    for name in ("queue", "tmp", "failed"):
        os.makedirs(world.path("spool/nullmailer/" + name))
        os.chmod(world.path("spool/nullmailer/" + name), 0o777)
    os.mkfifo(world.path("spool/nullmailer/trigger"))
    os.chmod(world.path("spool/nullmailer/trigger"), 0o666)
    world.write("nullmailer/me", "client.test\n")
    world.write("nullmailer/pausetime", "60\n")
    world.write("nullmailer/remotes",
                f"localhost smtp --port={t.port} "
                f"{'--ssl' if t.implicit else '--starttls'} --x509cafile={t.ca} "
                f"--user={USER} --pass='{t.password}'\n")
    text = f"{USER}\n{t.to}\n\n{t.text}"
    queued = world.run("nullmailer-queue", text)
    if queued.returncode != 0:
        return queued
    process = world.start("nullmailer-send", "log")
    try:
        return first_of(world.path("log"), ("Sent file",),
                        ("Sending failed", "Failed:", "sending failed"))
    finally:
        end(process)


@client("", unpacked="dma")
def dma(t):
    world = World(t, "dma")
    world.write("dma/dma.conf", f"""SMARTHOST localhost
PORT {t.port}
AUTHPATH /etc/dma/auth.conf
SECURETRANSFER
{"" if t.implicit else "STARTTLS"}
MAILNAME client.test
NULLCLIENT
""")
    world.write("dma/auth.conf", f"{USER}|localhost:{t.password}\n")
    spool = world.path("spool/dma")
    os.makedirs(spool)
    shutil.chown(spool, "root", "mail")
    os.chmod(spool, 0o2775)
    # With -D it stays until it has tried; what it could not send is in its queue then,
    # or a report of it has left.
    ran = world.run(f"dma -i -D -f {USER} {t.to}", t.text)
    left = [n for n in os.listdir(spool) if n[0] in "QM"]
    if not left and t.what == "refused recipient":
        until(t.told)
    return Ran(ran.returncode or (3 if left or t.told() else 0), f"{ran.said} {left}")


@client("", unpacked="ssmtp")
def sSMTP(t):
    conf = t.file("ssmtp.conf", f"""mailhub=localhost:{t.port}
hostname=client.test
AuthUser={USER}
AuthPass={t.password}
AuthMethod=LOGIN
UseTLS=YES
{"" if t.implicit else "UseSTARTTLS=YES"}
TLS_CA_File={t.ca}
FromLineOverride=YES
""")
    return [unpacked("ssmtp") + "/usr/sbin/ssmtp", "-C" + conf, t.to], t.text


@client("", unpacked="prometheus-alertmanager", ports=(587,))
def Alertmanager(t):
    port = free_port()
    folder = t.folder("alertmanager")
    conf = t.file("alertmanager.yml", json.dumps({
        "global": {"smtp_smarthost": f"localhost:{t.port}", "smtp_from": USER,
                   "smtp_auth_username": USER, "smtp_auth_password": t.password,
                   "smtp_require_tls": True},
        "route": {"receiver": "mail", "group_wait": "0s"},
        "receivers": [{"name": "mail", "email_configs": [{
            "to": t.to, "html": "", "text": "{{ .CommonAnnotations.body }}",
            "headers": {"Subject": "{{ .CommonAnnotations.subject }}"},
            "tls_config": {"ca_file": t.ca}}]}]}))
    # Its templates are where its package has them.
    world = World(t, "prometheus-alertmanager")
    process = world.start(
        f"prometheus-alertmanager --config.file={conf} --cluster.listen-address= "
        f"--web.listen-address=127.0.0.1:{port} --storage.path={folder} "
        "--log.level=debug", "log")

    def post():
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v2/alerts", method="POST",
            headers={"Content-Type": "application/json"},
            data=json.dumps([{"labels": {"alertname": "trial"}, "annotations": {
                "subject": t.subject, "body": t.body}}]).encode())
        try:
            with urllib.request.urlopen(request, timeout=10):
                return True
        except OSError:
            return False
    try:
        if not until(post):
            return Ran(2, read(world.path("log")))
        return first_of(world.path("log"), ("Notify success",),
                        ("Notify attempt failed", "Notify for alerts failed"))
    finally:
        end(process)


@client("", unpacked="monit", ports=(465,), trials=SMALL)
def Monit(t):
    folder = t.folder("monit")
    # Its own words come in front of a colon; the text is all ours here.
    text = t.body.rstrip("\n")
    conf = t.file("monitrc", f"""set daemon 1
set log {folder}/log
set pidfile {folder}/pid
set idfile {folder}/id
set statefile {folder}/state
set mailserver localhost port {t.port} username "{USER}" password "{t.password}"
    using ssl with options {{ verify: enable,
    cacertificatefile: "{t.ca}" }} with timeout 20 seconds
set mail-format {{ from: {USER}
 subject: {t.subject}
 message: {text}
}}
set alert {t.to} only on {{ nonexist }}
check file trial with path {folder}/nothing
""", 0o600)
    with open(os.path.join(folder, "out"), "wb") as out:
        process = subprocess.Popen(
            [unpacked("monit") + "/usr/bin/monit", "-I", "-v", "-c", conf], stdout=out,
            stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return first_of(os.path.join(folder, "out"), ("monitoring enabled",),
                        ("Mail: ", "Alert handler failed"))
    finally:
        end(process)
