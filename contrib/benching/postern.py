"""Postern."""
import os

from benching.machine import BUILD, PASSWORD, SINK, run
from benching.server import Server


class Postern(Server):
    name = "postern"
    synced = "yes, in groups"
    notes = """As installed, but for `allow-loopback` (the next host is on this
machine) and `queue.retry` of 2 seconds (load f). Syncs each group of messages
with fdatasync before their 250. A right password is remembered for ten minutes,
as a digest (`auth.remember`, its default); passwords are stored hashed. Checks
that the account may use the sender address. It sends small content with its
commands in one BDAT where the next host offers CHUNKING."""

    @staticmethod
    def can():
        return True

    def __init__(self, *args, settings="", retry="2s"):
        super().__init__(*args)
        self.version = run(os.path.join(BUILD, "posternd"), "-V").strip()
        self.write("postern.conf", f"""
hostname = relay.example.com
listen submissions {{ address = "127.0.0.1:{self.port}"  tls = implicit }}
tls {{ certificate = "{self.cert}"
       key = "{self.key}" }}
auth {{ users = "{self.path('users')}" }}
spool {{ directory = "{self.path('spool')}" }}
queue {{ retry = {{ {retry} }} }}
control {{ socket = "{self.path('ctl')}" }}
deliver {{ allow-loopback = true }}
account default {{ messages = none  recipients = none  new-recipients = none  brake = off }}
{self.road()}
{settings}""")
        for account in self.accounts:
            run(os.path.join(BUILD, "postern"), "-c",
                self.path("postern.conf"), "user", "add", account, "--stdin",
                input=PASSWORD + "\n")

    def road(self):
        return f'route default {{ relay = "smtp://{SINK}:{self.sink_port}" }}'

    def command(self):
        return [os.path.join(BUILD, "posternd"), "-c",
                self.path("postern.conf")]
