"""OpenSMTPD, Debian's package of its backports, unpacked."""
import os
import secrets
import shutil

from benching.machine import PASSWORD, SINK, USER, run
from benching.server import Unpacked


class OpenSMTPD(Unpacked):
    name = "opensmtpd"
    packages, users = ("opensmtpd",), ("opensmtpd", "opensmtpq")
    binary = "/usr/sbin/smtpd"
    suite = "bookworm-backports"
    synced = "no (no sync of any kind seen with strace)"
    notes = """Debian's package of bookworm-backports, unpacked, with folders of
its own. (The release's own 6.8.0p2 breaks off every TLS handshake with OpenSSL
3, with `missing private key`: the key that its privileged process holds is lost
on a copy of the key object. That was mended in 7.3.) As its manual's
smtpd.conf(5) has it for a relay: `listen on ... smtps pki ... auth <accounts>
senders <addresses>`, `action relay host smtp://...`, `match auth from any for
any`, and `smtp limit max-mails 1000` (a session's; the default is 100). The
manual names no limit towards the next host that could be raised, and no times
of retries: it delivers some 15 messages a second, and what is put off in load f
is tried again later than the load lasts. (`mta limit` with the keywords that
its program knows and its manual does not changed nothing.) Passwords are stored
hashed, with the cheapest SHA-512 that crypt(3) has (1,000 rounds),
which it computes at each login. Checks that the account may use the sender
address."""

    def prepare(self):
        for name in ("lib/opensmtpd/empty", "etc/ssl/certs"):
            os.makedirs(self.path(name))
        # It does not start without; nothing is verified against them.
        shutil.copy("/etc/ssl/certs/ca-certificates.crt",
                    self.path("etc/ssl/certs"))
        for name in ("cert", "key"):
            shutil.copy(getattr(self, name), self.path(f"etc/{name}.pem"))
        os.chmod(self.path("etc/key.pem"), 0o600)
        hashed = run("openssl", "passwd", "-6", "-salt",
                     "rounds=1000$" + secrets.token_hex(4), PASSWORD)
        self.write("etc/accounts", f"{USER} {hashed.strip()}\n")
        self.write("etc/addresses", f"{USER} {USER}\n")
        self.write("etc/mailname", "relay.example.com\n")
        self.write("etc/smtpd.conf", f"""
pki "relay.example.com" cert "/etc/cert.pem"
pki "relay.example.com" key "/etc/key.pem"
table accounts file:/etc/accounts
table addresses file:/etc/addresses
smtp limit max-mails 1000
listen on 127.0.0.1 port {self.port} smtps pki "relay.example.com" \\
    auth <accounts> senders <addresses> hostname relay.example.com
action "out" relay host smtp://{SINK}:{self.sink_port}
match auth from any for any action "out"
""")

    def program_line(self):
        return f"{self.program} -d -f /etc/smtpd.conf"
