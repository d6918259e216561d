"""An Exim of a test's own: Debian's package, unpacked, since it cannot be installed
beside Postfix."""
import atexit
import glob
import os
import shutil
import signal
import smtplib
import subprocess

from harness import Folder, Skip, expect, free_port, wait_for

UID = 62001  # whom /etc/passwd names in its own namespace alone


class Exim:
    """It hands all mail to a host of ours. `transport`: lines of how; `more`: further
    sections of its configuration."""

    def __init__(self, next_port, transport="", more=""):
        if os.geteuid() != 0:
            raise Skip("Exim starts as root only")
        self.folder, self.port = Folder(), free_port()
        os.chmod(self.folder.path, 0o755)
        self.unpack()
        os.mkdir(self.folder("spool"))
        os.chown(self.folder("spool"), UID, UID)
        for name, tail in (("passwd", "::/:/usr/sbin/nologin"), ("group", ":")):
            with open("/etc/" + name, encoding="utf-8") as f:
                number = f"{UID}:{UID}" if name == "passwd" else UID
                self.folder.write(
                    name, f"{f.read()}Debian-exim:x:{number}{tail}\n", 0o644)
        self.folder.write("conf", f"""
primary_hostname = older.example.com
spool_directory = {self.folder("spool")}
log_file_path = {self.folder("spool")}/log-%s
exim_path = {self.folder("exim")}
deliver_drop_privilege = true
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
smtp_accept_max = 100
accept_8bitmime = true
message_size_limit = 100M
received_headers_max = 50
keep_environment =
acl_smtp_rcpt = acl_all
acl_smtp_data = acl_all
begin acl
acl_all:
  accept
begin routers
next_hop:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  port = {next_port}
  allow_localhost
{transport}
begin retry
* * F,1d,1s
{more}""", 0o644)
        self.start()

    def unpack(self):
        run = subprocess.run(
            ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download",
             "exim4-daemon-light"], cwd=self.folder.path, capture_output=True,
            check=False)
        packages = glob.glob(self.folder("*.deb"))
        if run.returncode != 0 or not packages:
            raise Skip("Exim cannot be had from Debian here")
        subprocess.run(["dpkg-deb", "-x", packages[0], self.folder("root")],
                       check=True)
        shutil.copy(self.folder("root/usr/sbin/exim4"), self.folder("exim"))
        os.chmod(self.folder("exim"), 0o4755)

    def start(self):
        binds = " && ".join(f"mount --bind {self.folder(n)} /etc/{n}"
                            for n in ("passwd", "group"))
        self.process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", f"{binds} && exec {self.folder('exim')}"
             f" -C {self.folder('conf')} -bdf -q1s"], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        atexit.register(self.stop)

        def up():
            if self.process.poll() is not None:
                raise Skip("Exim does not start here")
            try:
                smtplib.SMTP("127.0.0.1", self.port, timeout=5).quit()
                return True
            except OSError:
                return False
        wait_for("Exim listens", up)

    def send(self, sender, to, text):
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as s:
            s.ehlo("client.test")
            expect(s.mail(sender, ["BODY=8BITMIME"]), 250)
            expect(s.rcpt(to), 250)
            expect(s.data(text), 250)

    def stop(self):
        """It and its children, which are a session of their own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
