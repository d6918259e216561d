#!/usr/bin/python3
"""A filter that does what the message's Subject says: a program of its own, on
python3-milter. usage: some_filter.py SOCKET RECORD

Each thing that it is told is a line of JSON in RECORD. "do: A B" in the subject are
the words of `ACTIONS`.
"""
import json
import sys
import time

import Milter

RECORD = sys.argv[2]


class Filter(Milter.Base):
    def __init__(self):
        self.id = Milter.uniqueID()
        self.words, self.content = [], b""

    def note(self, what, *values):
        with open(RECORD, "a", encoding="utf-8") as f:
            f.write(json.dumps([what, *[
                v.decode("latin-1") if isinstance(v, bytes) else v
                for v in values]]) + "\n")

    def macros(self, *names):
        return {n: self.getsymval(n) for n in names}

    def connect(self, host, family, address):
        self.note("connect", host, list(address) if address else None,
                  self.macros("j", "{daemon_name}", "{daemon_addr}",
                              "{daemon_port}", "v", "_", "{client_addr}",
                              "{client_name}", "{client_port}",
                              "{client_ptr}"))
        return Milter.CONTINUE

    def hello(self, name):
        self.note("helo", name, self.macros("{tls_version}", "{cipher}",
                                            "{cipher_bits}"))
        return Milter.CONTINUE

    def envfrom(self, address, *params):
        self.note("mail", address, list(params), self.macros(
            "i", "{auth_type}", "{auth_authen}", "{auth_ssf}", "{mail_addr}",
            "{mail_host}", "{mail_mailer}"))
        return Milter.CONTINUE

    def envrcpt(self, address, *params):
        self.note("rcpt", address, list(params), self.macros(
            "i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}"))
        if "refuse-rcpt" in address:
            self.setreply("550", "5.1.1", "not that one")
            return Milter.REJECT
        return Milter.CONTINUE

    @Milter.decode("bytes")
    def header(self, name, value):
        value = value.decode("utf-8", "surrogateescape")
        self.note("header", name, value)
        if name == "Subject" and "do: " in value:
            self.words = value.split("do: ")[1].split()
        return Milter.CONTINUE

    def eoh(self):
        self.note("eoh")
        return Milter.REJECT if "early" in self.words else Milter.CONTINUE

    def body(self, chunk):
        self.content += chunk
        self.note("body", len(chunk))
        return Milter.SKIP if "skip" in self.words else Milter.CONTINUE

    def eom(self):
        self.note("eom", len(self.content), self.content[-20:])
        result = Milter.CONTINUE
        for word in self.words:
            got = ACTIONS[word.partition("=")[0]](self, word.partition("=")[2])
            result = result if got is None else got
        return result


def slow(f, seconds):
    for _ in range(int(float(seconds) * 4)):
        time.sleep(0.25)
        f.progress()


def reply(f, text):
    code, status, words = text.split(",")
    f.setreply(code, status, words)
    return Milter.REJECT if code[0] == "5" else Milter.TEMPFAIL


ACTIONS = {
    "add": lambda f, v: f.addheader("X-Added", v),
    "top": lambda f, v: f.addheader("X-Top", v, 0),
    "folded": lambda f, v: f.addheader("X-Folded", "one\n two\n\nX-Evil: x"),
    "change": lambda f, v: f.chgheader("X-Old", 1, v),
    "second": lambda f, v: f.chgheader("X-Old", 2, v),
    "gone": lambda f, v: f.chgheader("X-Old", 1, ""),
    "from": lambda f, v: f.chgheader("From", 1, v),
    "no-from": lambda f, v: f.chgheader("From", 1, ""),
    "letters": lambda f, v: f.addheader("X-Letters", "gr\u00fc\u00dfe"),
    "body": lambda f, v: f.replacebody(b"a new one\n.dot\r\nno end"),
    "large": lambda f, v: f.replacebody(
        (b"x" * 98 + b"\r\n") * (int(v) * 10)),
    "nul": lambda f, v: f.replacebody(b"a\0b\r\n"),
    "rcpt": lambda f, v: f.addrcpt("<" + v + ">"),
    "not": lambda f, v: f.delrcpt("<" + v + ">"),
    "sender": lambda f, v: f.chgfrom("<" + v + ">"),
    "quarantine": lambda f, v: f.quarantine(v),
    "reject": lambda f, v: Milter.REJECT,
    "tempfail": lambda f, v: Milter.TEMPFAIL,
    "discard": lambda f, v: Milter.DISCARD,
    "accept": lambda f, v: Milter.ACCEPT,
    "reply": reply,
    "slow": slow,
    "hang": lambda f, v: time.sleep(float(v or 3600)),
    "early": lambda f, v: None,
    "skip": lambda f, v: None,
}
# Annotations of its own, which make these return nothing.
ACTIONS = {k: (lambda f, v, do=do: (lambda r: r if isinstance(r, int) and
                                    not isinstance(r, bool) and r != 0
                                    else None)(do(f, v)))
           for k, do in ACTIONS.items()}

Milter.factory = Filter
Milter.set_flags(Milter.CHGBODY + Milter.CHGHDRS + Milter.ADDHDRS +
                 Milter.ADDRCPT + Milter.DELRCPT + Milter.QUARANTINE +
                 Milter.CHGFROM)
Milter.runmilter("test", sys.argv[1], 60)
