"""Postfix, Debian's package."""
import os
import shutil
import subprocess

from benching.machine import PASSWORD, SINK, run
from benching.server import Server


class Postfix(Server):
    name = "postfix"
    synced = "yes, but not the folder"
    notes = """Debian's package with a configuration, queue and data folder of
its own; one smtpd service with `smtpd_tls_wrappermode`, Cyrus SASL with
`sasldb` (the password is stored in clear there), no chroot, no DNS for clients.
Tuned as its TUNING_README and CONNECTION_CACHE_README say for a busy relay:
`default_process_limit = 200`, `initial_destination_concurrency = 20`,
`default_destination_concurrency_limit = 100`, `in_flow_delay = 0`,
`smtpd_peername_lookup = no`, no limits for clients, connection cache for the
next host with `smtp_tls_connection_reuse = yes`, session tickets and a session
cache. `queue_run_delay`, `minimal_backoff_time` and `maximal_backoff_time` are
2 seconds (load f). Checks that the account may use the sender address
(`reject_sender_login_mismatch`). It syncs each message's queue file with fsync
before its 250, not the folder (seen with strace). It does not send BDAT."""

    @staticmethod
    def can():
        return shutil.which("postfix", path="/usr/sbin:/usr/bin") is not None

    def __init__(self, *args):
        super().__init__(*args)
        self.version = "Postfix " + run("postconf", "-hd",
                                        "mail_version").strip()
        for name in ("etc", "etc/sasl", "queue", "data"):
            os.mkdir(self.path(name), 0o755)
        shutil.chown(self.path("data"), "postfix")
        self.write_sasl()
        self.write_main()
        self.write_master()

    def write_sasl(self):
        for account in self.accounts:
            user, realm = account.split("@")
            run("saslpasswd2", "-p", "-c", "-f", self.path("etc/sasl/sasldb2"),
                "-u", realm, user, input=PASSWORD)
        shutil.chown(self.path("etc/sasl/sasldb2"), "postfix")
        self.write("etc/sasl/smtpd.conf", f"""pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {self.path('etc/sasl/sasldb2')}
mech_list: PLAIN LOGIN
""")

    def road(self):
        hop = f"[{SINK}]:{self.sink_port}"
        return f"""relayhost = {hop}
smtp_connection_cache_destinations = {hop}"""

    def write_main(self):
        data = f"btree:{self.path('data')}"
        logins = " ".join(f"{{ {a} = {a} }}" for a in self.accounts)
        self.write("etc/main.cf", f"""compatibility_level = 3.6
config_directory = {self.path('etc')}
queue_directory = {self.path('queue')}
data_directory = {self.path('data')}
maillog_file = {self.path('log')}
maillog_file_prefixes = /var
myhostname = relay.example.com
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
{self.road()}
soft_bounce = no
smtpd_tls_chain_files = {self.key}, {self.cert}
smtpd_tls_security_level = encrypt
smtpd_tls_session_cache_database = {data}/smtpd_scache
smtp_tls_security_level = may
smtp_tls_session_cache_database = {data}/smtp_scache
smtp_tls_connection_reuse = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {self.path('etc/sasl')}
smtpd_sasl_security_options = noanonymous
smtpd_sender_login_maps = inline:{{ {logins} }}
smtpd_sender_restrictions = reject_sender_login_mismatch
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = 127.0.0.0/8
default_process_limit = 200
initial_destination_concurrency = 20
default_destination_concurrency_limit = 100
in_flow_delay = 0
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 2s
""")

    def write_master(self):
        self.write("etc/master.cf", f"""
127.0.0.1:{self.port} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
flush     unix n - n 1000? 0 flush
proxymap  unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
showq     unix n - n - - showq
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
local     unix - n n - - local
virtual   unix - n n - - virtual
anvil     unix - - n - 1 anvil
scache    unix - - n - 1 scache
tlsproxy  unix - - n - 0 tlsproxy
postlog   unix-dgram n - n - 1 postlogd
""")

    def command(self):
        return ["postfix", "-c", self.path("etc"), "start"]

    def stop(self):
        # Its own way first: the master's id is in its folder.
        subprocess.run(["postfix", "-c", self.path("etc"), "stop"], check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        super().stop()

