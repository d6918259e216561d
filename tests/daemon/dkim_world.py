"""What the tests of DKIM share: a name server whose records change while it runs,
and three verifiers that nobody here wrote."""
import os
import random
import re
import socketserver
import struct
import subprocess
import sys
import threading

try:
    import dkim
except ImportError:
    # Debian's packages are those of its own Python.
    if sys.executable != "/usr/bin/python3":
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])
    raise
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from harness import Folder, Relay, USER, expect, free_port, wait_for, which


class Zone:
    """A name server on UDP and TCP: name -> list of texts; None: SERVFAIL."""

    def __init__(self):
        self.texts, self.addresses, self.asked = {}, {}, []
        zone = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self):
                data, sock = self.request
                answer = zone.answer(data)
                if len(answer) > 1232:
                    short = dns.message.make_response(
                        dns.message.from_wire(data))
                    short.flags |= dns.flags.TC
                    answer = short.to_wire()
                sock.sendto(answer, self.client_address)

        class Tcp(socketserver.StreamRequestHandler):
            def handle(self):
                head = self.rfile.read(2)
                if len(head) == 2:
                    data = self.rfile.read(struct.unpack("!H", head)[0])
                    answer = zone.answer(data)
                    self.wfile.write(struct.pack("!H", len(answer)) + answer)

        self.port = free_port()
        self.server = f"127.0.0.1:{self.port}"
        for kind, handler in ((socketserver.ThreadingUDPServer, Udp),
                              (socketserver.ThreadingTCPServer, Tcp)):
            kind.allow_reuse_address = True
            kind.daemon_threads = True
            server = kind(("127.0.0.1", self.port), handler)
            threading.Thread(target=server.serve_forever, args=(0.05,),
                             daemon=True).start()

    def answer(self, data):
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        question = query.question[0]
        name = question.name.to_text().rstrip(".").lower()
        self.asked.append(name)
        texts = self.texts.get(name, [])
        if texts is None:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif question.rdtype == dns.rdatatype.TXT and texts:
            reply.answer.append(dns.rrset.from_text_list(
                question.name, 10, "IN", "TXT", [quoted(t) for t in texts]))
        elif question.rdtype == dns.rdatatype.A and name in self.addresses:
            reply.answer.append(dns.rrset.from_text(
                question.name, 10, "IN", "A", self.addresses[name]))
        elif not texts and name not in self.addresses:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=65535)

    def publish(self, records):
        for r in records:
            assert r["type"] == "TXT"
            self.texts[r["name"].lower()] = [r["value"]]

    def get(self, name, timeout=5):
        """For dkimpy."""
        texts = self.texts.get(name.decode().rstrip(".").lower())
        return texts[0].encode() if texts else None


def quoted(text):
    """A TXT record's strings hold 255 octets."""
    return " ".join('"' + text[i:i + 255] + '"'
                    for i in range(0, len(text), 255) or [0])


def signatures(data):
    """The tags of each DKIM-Signature, from the top."""
    header = data.split(b"\r\n\r\n")[0] + b"\r\n"
    found = []
    for line in header.replace(b"\r\n ", b" ").replace(
            b"\r\n\t", b" ").split(b"\r\n"):
        if line.lower().startswith(b"dkim-signature:"):
            tags = line.split(b":", 1)[1].decode().split(";")
            found.append({t.split("=", 1)[0].strip():
                          "".join(t.split("=", 1)[1].split())
                          for t in tags if "=" in t})
    return found


def by_dkimpy(data, zone):
    """What dkimpy says of each signature."""
    result = []
    for i in range(len(signatures(data))):
        d = dkim.DKIM(data)
        try:
            result.append(bool(d.verify(idx=i, dnsfunc=zone.get)))
        except dkim.DKIMException:
            result.append(False)
    return result


PERL = r"""
use strict; use warnings;
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS::Resolver;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(
    nameservers => ["127.0.0.1"], port => $ARGV[0], recurse => 0));
binmode STDIN; binmode STDOUT;
$| = 1;
while (my $size = <STDIN>) {
    chomp $size;
    my $data = "";
    read(STDIN, $data, $size) == $size or die;
    my $v = Mail::DKIM::Verifier->new();
    $v->PRINT($data);
    $v->CLOSE;
    print join(" ", map { $_->result } $v->signatures), "\n";
}
"""


class Perl:
    """Mail::DKIM, one process for all messages. It knows no Ed25519 before 1.2023."""

    def __init__(self, zone):
        self.folder = Folder()
        script = self.folder.write("verify.pl", PERL)
        self.process = subprocess.Popen(
            ["perl", script, str(zone.port)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)

    def __call__(self, data):
        self.process.stdin.write(str(len(data)).encode() + b"\n" + data)
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().split()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def by_opendkim(messages, zone):
    """What OpenDKIM says of each signature of each message, RSA and Ed25519, in its
    test mode: one process for some of them, with the zone as a file. Of one that it
    takes for no message (two Froms) it says nothing, and ends there."""
    results, folder = [], Folder()
    keys = folder.write("keys", "".join(
        f"{name} {texts[0]}\n" for name, texts in zone.texts.items() if texts))
    conf = folder.write("conf", f"Mode v\nTestDNSData file:{keys}\nSyslog no\n")
    for at in range(0, len(messages), 50):
        names = []
        for i, data in enumerate(messages[at:at + 50]):
            names.append(folder(f"{at + i}.eml"))
            with open(names[-1], "wb") as f:
                f.write(data)
        run = subprocess.run([which("opendkim"), "-x", conf, "-vvv", "-t",
                              ",".join(names)], capture_output=True, check=False)
        said = run.stdout.decode("latin-1").split("### INSHEADER: ")[1:]
        said = [s for s in said if "Authentication-Results" in s]
        if len(names) == 1 and not said:
            said = [""]
        assert len(said) == len(names), (len(said), run.stdout, run.stderr)
        results += [re.findall(r"\tdkim=(\w+)", s) for s in said]
    return results


def all_good(messages, zone, perl):
    """Both signatures of each, for all three verifiers."""
    for data in messages:
        is_good(data, zone, perl)
    for data, said in zip(messages, by_opendkim(messages, zone)):
        assert said == ["pass", "pass"], (said, data[:4000])


def key_states(relay, domain="example.com"):
    return [k["state"] for k in relay.json("dkim", "show", domain)["keys"]]


def signing_relay(zone, route, domains=("example.com",), **kw):
    """A relay that signs for those domains, whatever stands in From, and however
    much there is of it."""
    kw.setdefault("extra", "account default { from = any  messages = none  "
                  "recipients = none  new-recipients = none }\n")
    # Lines of the corpus are longer than the default lets in.
    kw["extra"] = kw.get("extra", "") + "limits { line = 200000 }\n"
    relay = Relay(route=route, resolver=zone.server, **kw)
    for domain in domains:
        relay.tool("dkim", "add", domain)
        zone.publish(relay.json("dkim", "show", domain)["records"])
    relay.start()
    for domain in domains:
        wait_for("keys are active", lambda d=domain: key_states(
            relay, d) == ["active", "active"])
    return relay


def is_good(data, zone, perl):
    """Both signatures are there, and good for both verifiers."""
    algorithms = [s["a"] for s in signatures(data)]
    assert algorithms == ["rsa-sha256", "ed25519-sha256"], (algorithms, data)
    assert by_dkimpy(data, zone) == [True, True], data
    # Debian's Mail::DKIM knows RSA alone.
    assert perl(data)[0] == "pass", (perl(data), data)
    return signatures(data)


def send_many(relay, messages):
    with relay.client() as s:
        for m in messages:
            expect(s.mail(USER, ["BODY=8BITMIME"]), 250)
            expect(s.rcpt("a@there.test"), 250)
            expect(s.data(m), 250)


# --- the corpus: message after message, the same ones each time ---

ODD = [
    b"To:    a@there.test\r\nSubject:\r\n\tfolded\r\n  again  \t\r\n",
    b"To: a@there.test\r\nsUbJeCt: odd case\r\nCC:b@there.test\r\n",
    b"To: a@there.test\r\nSubject:\r\n",
    b"To: a@there.test\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=x\r\n"
    b"Content-Transfer-Encoding: 8bit\r\n",
    b"To: a@there.test,\r\n b@there.test,\r\n c@there.test\r\n"
    b"References: <1@a.test>\r\n <2@a.test>\r\nIn-Reply-To: <2@a.test>\r\n",
    b"To: a@there.test\r\nComments: one\r\nComments: two\r\nX-Empty:\r\n",
    b"To: a@there.test\r\nList-Unsubscribe: <https://u.test/1>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Id: <l.test>\r\n",
    b"Reply-To: r@example.com\r\nSender: <user@example.com>\r\n"
    b"To: a@there.test\r\nResent-To: x@there.test\r\n",
    b"To: a@there.test\r\nSubject: a;b:c=d b=e  bh=f\r\n",
    b"To : a@there.test\r\nSubject \t: blanks in front\r\n",
]
BODIES = [
    b"", b"\r\n", b"\r\n\r\n\r\n", b"one\r\n", b"one\r\n\r\n\r\n\r\n",
    b"  one \t two  \r\n", b" \r\n\t\r\n", b"a\r\n \r\nb\r\n   ",
    b"..\r\n.\r\n.x\r\n", b"\xc3\xbc\xff\x80 8 bit\r\n",
    b"x" * 990 + b"\r\n", b"no end", b"\r\nfirst is blank\r\n",
    b"a\r\n" * 40000, b"b " * 60000 + b"\r\n", b" " * 70000 + b"\r\n",
    b"\r\n" * 50000 + b"end\r\n", b"\t \r\n" * 50000,
]


def make(number):
    """A message of the corpus; the same one for the same number."""
    r = random.Random(number)
    header = ODD[number % len(ODD)]
    body = BODIES[number // len(ODD) % len(BODIES)]
    if number >= len(ODD) * len(BODIES):
        body = b"".join(
            r.choice([b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b".", b"w",
                      b"word", b"\xe4", b"=20", b" \r\n", b"\r\n.\r\n"])
            for _ in range(r.choice([1, 10, 100, 1000, 20000])))
        header += b"".join(
            b"X-%d: %s\r\n" % (i, b" ".join(
                r.choice([b"a", b"\r\n b", b"\t", b"c"]) for _ in range(5)))
            for i in range(r.randrange(4)))
    author = r.choice([b"<user@example.com>", b"user@example.com",
                       b"\"Ann, of here\" <user@example.com>",
                       b"Ann (x@y.test)\r\n <user@example.com>"])
    return b"From: " + author + b"\r\n" + header + b"\r\n" + body
