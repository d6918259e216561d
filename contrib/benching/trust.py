"""contrib/bench trust: all that an operator wants of a submission server, on: who may
write as whom, budgets, signatures. Postern as it is, beside Postfix with OpenDKIM and
a policy daemon (postfwd) that counts."""
import os
import subprocess

from benching.dkim import PosternBoth, PosternRsa, PostfixOpenDKIM, run_kinds
from benching.machine import free_port
from benching.postern import Postern
from benching.postfix import Postfix

# Budgets that no load uses up, in the windows of Postern's defaults.
BUDGETS = """account default {
    messages       = { 1000000/1h, 2000000/1d }
    recipients     = { 1000000/1h, 2000000/1d }
    new-recipients = { 1000000/1h, 2000000/1d }
    brake          = on
    suppress       = on
}
"""


class Trusted:
    """A Postern with all of it on."""

    def write(self, name, text, mode=0o644):
        if name == "postern.conf":
            lines = text.splitlines(keepends=True)
            text = "".join(BUDGETS if line.startswith("account default ")
                           else line for line in lines)
            assert BUDGETS in text
        return super().write(name, text, mode)


class PosternTrust(Trusted, PosternRsa):
    """Signs as OpenDKIM does, with RSA alone."""
    name = "postern-rsa-all-on"


class PosternCounts(Trusted, Postern):
    """Budgets are counted, in memory alone: the state cannot be written."""
    name = "postern-in-memory"

    def write(self, name, text, mode=0o644):
        if name == "postern.conf":
            text += "state { directory = /proc/postern }\n"
        return super().write(name, text, mode)


class PosternKeeps(Trusted, Postern):
    """The same, and the state is written and synced beside it."""
    name = "postern-state-syncs"


class PosternTrustBoth(Trusted, PosternBoth):
    """Signs as it does when nobody says otherwise: RSA, and Ed25519."""
    name = "postern-all-on"


class PostfixTrust(PostfixOpenDKIM):
    """reject_sender_login_mismatch has the envelope (Postfix looks at no From),
    OpenDKIM signs, postfwd counts messages and recipients of an account."""
    name = "postfix-all-on"
    program = "/usr/sbin/postfwd2"

    def __init__(self, *args):
        self.policy, cache = free_port("127.0.0.1"), free_port("127.0.0.1")
        super().__init__(*args)
        with open(self.of_milter("rules"), "w", encoding="ascii") as f:
            for name, seconds, most in (("HOUR", 3600, 1000000),
                                        ("DAY", 86400, 2000000)):
                f.write(f"id={name}; sasl_username=~.; action=rate("
                        f"sasl_username/{most}/{seconds}/450 4.7.1 over)\n")
        self.daemon = [
            self.program, "-f", self.of_milter("rules"), "-i", "127.0.0.1",
            "-p", str(self.policy), "--cache_interface", "127.0.0.1",
            "--cache_port", str(cache), "--nodns", "--norulelog",
            "--noidlestats", "-u", "postfix", "-g", "postfix",
            "--max_servers", "100",
            "--pidfile", self.of_milter("policy.pid")]
        os.chmod(self.safe, 0o755)
        os.chmod(self.of_milter("rules"), 0o644)

    @staticmethod
    def can():
        return PostfixOpenDKIM.can() and os.path.exists(PostfixTrust.program)

    def write_main(self):
        super().write_main()
        path = self.path("etc/main.cf")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        before = "smtpd_recipient_restrictions = permit_sasl_authenticated"
        assert before in text
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(
                before, "smtpd_recipient_restrictions = check_policy_service "
                f"inet:127.0.0.1:{self.policy}, permit_sasl_authenticated"))

    def command(self):
        shell, option, line = super().command()
        return [shell, option, " ".join(self.daemon) + " && " + line]

    def stop(self):
        if os.path.exists(self.of_milter("policy.pid")):
            with open(self.of_milter("policy.pid"), encoding="ascii") as f:
                subprocess.run(["kill", f.read().strip()], check=False)
        super().stop()


SERVERS = (Postern, PosternTrust, PosternTrustBoth, Postfix, PostfixTrust)


STATES = (PosternCounts, PosternKeeps)


def run_state(folder, loads, rounds, short):
    """What a client feels of the state that is synced meanwhile."""
    run_kinds(STATES, folder, loads, rounds, short)


def run_trust(folder, loads, rounds, short):
    run_kinds(SERVERS, folder, loads, rounds, short)
