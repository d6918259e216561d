"""A Postfix of a test's own."""
import json
import os
import shutil
import smtplib
import subprocess

from harness import PATIENCE, Folder, Skip, expect, free_port, which

LONG = "x" * 5000
TEXT = ("From: a@example.com\r\nSubject: {}\r\n\r\n.dot\r\n"
        "\u00e4 \r\n" + LONG + "\r\n\r\n")


class Postfix:
    """Debian's, with folders of its own; it hands all mail to a host of ours. `extra`:
    lines of its configuration. `delay`: until it warns a sender."""

    def __init__(self, next_port, extra="", delay="1s"):
        if os.geteuid() != 0:
            raise Skip("Postfix starts as root only")
        self.folder, self.port = Folder(), free_port()
        os.chmod(self.folder.path, 0o755)
        for name in ("etc", "queue", "data"):
            os.mkdir(self.folder(name), 0o755)
        shutil.chown(self.folder("data"), "postfix")
        self.folder.write("etc/main.cf", f"""compatibility_level = 3.6
config_directory = {self.folder("etc")}
queue_directory = {self.folder("queue")}
data_directory = {self.folder("data")}
maillog_file = {self.folder("log")}
maillog_file_prefixes = {self.folder.path}
myhostname = old.example.com
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 127.0.0.1
smtpd_recipient_restrictions = permit_mynetworks, reject
relayhost = [127.0.0.1]:{next_port}
delay_warning_time = {delay}
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
cleanup_replace_stray_cr_lf = no
{extra}""", 0o644)
        self.folder.write("etc/master.cf", f"""
127.0.0.1:{self.port} inet n - n - - smtpd
pickup    unix n - n 60 1 pickup
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
retry     unix - - n - - error
showq     unix n - n - - showq
anvil     unix - - n - 1 anvil
tlsmgr    unix - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
""", 0o644)
        self.run("postfix", "start")

    def run(self, program, *args):
        """What the program prints."""
        done = subprocess.run(
            [which(program), "-c", self.folder("etc"), *args], check=False,
            capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done
        return done.stdout

    def rows(self):
        return {r["queue_id"]: r for r in
                map(json.loads, self.run("postqueue", "-j").splitlines())}

    def send(self, subject, sender, rcpts, mail=(), login=None,
             text=None):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as s:
            if login:
                s.ehlo("client.test")
                expect(s.docmd(f"XCLIENT LOGIN={login}"), 220)
            s.ehlo("client.test")
            s.command_encoding = "utf-8"
            s.sock.sendall(" ".join([f"MAIL FROM:<{sender}>", *mail]).encode()
                           + b"\r\n")
            expect(s.getreply(), 250)
            for rcpt, options in rcpts:
                expect(s.rcpt(rcpt, options), 250)
            text = text or TEXT.format(subject).encode()
            return expect(s.data(text), 250).decode().split()[-1]
