"""Haraka, as npm has it, with the node that is on the machine."""
import json
import os
import shutil

from benching.machine import PASSWORD, PEERS, SINK, USER, run, say
from benching.server import Server

PLACE = os.path.join(PEERS, "haraka")
MODULE = os.path.join(PLACE, "node_modules", "Haraka")


class Haraka(Server):
    name = "haraka"
    synced = "yes, but not the folder"
    notes = """`npm install Haraka`, with a folder of its own. Plugins: `tls`,
`auth/flat_file` (PLAIN; the password is stored in clear there; checks that the
account may use the sender address) and one of five lines that names the next
host (`get_mx`). `nodes=cpus` (a process a processor), `smtps_port`, log level
warn, outbound `local_mx_ok` and `temp_fail_intervals=5s*30` (load f; it takes no
shorter ones), with its queue on disk. A connection to the next host serves one
message. It syncs a message's queue file with fsync before its 250, not the
folder (seen with strace)."""

    @classmethod
    def can(cls):
        if os.path.isdir(MODULE):
            return True
        if shutil.which("npm") is None:
            return False
        os.makedirs(PLACE, exist_ok=True)
        try:
            # Some of its parts name a newer node than they need: whether it
            # can be loaded is what counts.
            run("npm", "install", "--no-audit", "--no-fund", "--omit=dev",
                "Haraka", cwd=PLACE)
            run("node", os.path.join(MODULE, "bin", "haraka"), "-v")
        except RuntimeError as error:
            say(str(error))
            shutil.rmtree(MODULE, ignore_errors=True)
        return os.path.isdir(MODULE)

    def __init__(self, *args):
        super().__init__(*args)
        with open(os.path.join(MODULE, "package.json"), encoding="utf-8") as f:
            self.version = ("Haraka " + json.load(f)["version"] + " (node " +
                            run("node", "--version").strip() + ")")
        for name in ("config", "plugins", "queue"):
            os.mkdir(self.path(name))
        shutil.copy(self.cert, self.path("config/tls_cert.pem"))
        shutil.copy(self.key, self.path("config/tls_key.pem"))
        # Without these it makes parameters of its own, for some seconds.
        run("openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt",
            "group:ffdhe2048", "-out", self.path("config/dhparams.pem"))
        shutil.copy(os.path.join(MODULE, "config", "connection.ini"),
                    self.path("config"))
        for name, text in self.settings().items():
            self.write(name, text)

    def settings(self):
        return {
            "config/me": "relay.example.com\n",
            "config/plugins": "tls\nauth/flat_file\nnext_host\n",
            "config/smtp.ini": f"listen=127.0.0.1:{self.port}\n"
                               f"smtps_port={self.port}\nnodes=cpus\n",
            "config/tls.ini": "key=tls_key.pem\ncert=tls_cert.pem\n",
            "config/log.ini": "[main]\nlevel=warn\n",
            "config/auth_flat_file.ini":
                "[core]\nmethods=PLAIN\nconstrain_sender=true\n"
                f"[users]\n{USER}={PASSWORD}\n",
            "config/outbound.ini":
                "local_mx_ok=true\ntemp_fail_intervals=5s*30\n"
                "inet_prefer=v4\n",
            "plugins/next_host.js": f"""
exports.hook_get_mx = function (next) {{
    next(OK, {{ priority: 0, exchange: '{SINK}', port: {self.sink_port} }});
}};
""",
        }

    def command(self):
        return ["node", os.path.join(MODULE, "bin", "haraka"), "-c",
                self.folder]
