"""Exim, Debian's package, unpacked."""
import os
import shutil

from benching.machine import PASSWORD, SINK, USER
from benching.server import Unpacked


class Exim(Unpacked):
    name = "exim"
    packages, users = ("exim4-daemon-light",), ("Debian-exim",)
    binary = "/usr/sbin/exim4"
    synced = "yes"
    notes = """Debian's package, unpacked, with folders of its own. A password
compared in the configuration (in clear), TLS resumption on, no DNS or ident for
clients, `smtp_accept_max = 500`, `smtp_accept_queue_per_connection = 0`
(deliver each message at once), `split_spool_directory`, `queue_run_max = 20`, a
queue run every 2 seconds and a retry after 2 seconds (load f). Checks that the
account may use the sender address. Exim delivers each message with a process of
its own and a connection of its own unless several wait for the host. It syncs a
message's data file, header file and folder with fsync before its 250, and its
own journal of deliveries (seen with strace)."""

    def prepare(self):
        os.chmod(self.program, 0o4755)
        os.mkdir(self.path("etc/exim4"))
        for name in ("spool/exim4", "spool/exim4/log"):
            os.mkdir(self.path(name), 0o750)
            os.chown(self.path(name), 62001, 62001)
        # Exim drops its rights before it reads these.
        for name in ("cert", "key"):
            shutil.copy(getattr(self, name), self.path(name))
            os.chown(self.path(name), 62001, 62001)
        self.write("etc/exim4/exim4.conf", f"""
primary_hostname = relay.example.com
spool_directory = /var/spool/exim4
log_file_path = /var/spool/exim4/log/%s
exim_path = {self.program}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
tls_on_connect_ports = {self.port}
tls_advertise_hosts = *
tls_certificate = {self.path('cert')}
tls_privatekey = {self.path('key')}
tls_resumption_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 500
smtp_accept_queue = 0
smtp_accept_queue_per_connection = 0
smtp_accept_max_per_connection = 0
smtp_connect_backlog = 100
queue_run_max = 20
split_spool_directory = true
keep_environment =
acl_smtp_mail = acl_mail
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
begin acl
acl_mail:
  accept condition = ${{if eqi{{$sender_address}}{{$authenticated_id}}}}
  deny
acl_rcpt:
  accept authenticated = *
  deny
acl_data:
  accept
begin routers
next_hop:
  driver = manualroute
  route_list = * {SINK}
  self = send
  transport = smtp
begin transports
smtp:
  driver = smtp
  port = {self.sink_port}
  allow_localhost
  tls_resumption_hosts = *
begin retry
* * F,1d,2s
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
""")

    def program_line(self):
        return f"{self.program} -bdf -q2s"

