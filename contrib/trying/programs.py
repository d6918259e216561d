"""Programs and libraries."""
import os
import subprocess

from harness import USER
from trying.trial import client, files


@client("curl")
def curl(t):
    return (["curl", "-sS", f"{t.scheme()}://localhost:{t.port}", "--ssl-reqd",
             "--cacert", t.ca, "-u", f"{USER}:{t.password}", "--mail-from", USER,
             "--mail-rcpt", t.to, "--crlf", "-T", t.file("mail", t.text)], "")


@client("swaks libnet-ssleay-perl libauthen-sasl-perl")
def swaks(t):
    return (["swaks", "--server", "localhost", "--port", str(t.port),
             "--tls-on-connect" if t.implicit else "--tls", "--tls-verify",
             "--tls-ca-path", t.ca, "--auth-user", USER, "--auth-password",
             t.password, "--from", USER, "--to", t.to, "--data",
             "@" + t.file("mail", t.text), "--silent", "3"], "")


@client("msmtp")
def msmtp(t):
    conf = t.file("msmtprc", f"""
account default
host localhost
port {t.port}
tls on
tls_starttls {'off' if t.implicit else 'on'}
tls_trust_file {t.ca}
auth on
user {USER}
password {t.password}
from {USER}
""")
    return ["msmtp", "-C", conf, t.to], t.text


@client("s-nail", "s-nail")
def s_nail(t):
    url = f"{'smtps' if t.implicit else 'submission'}://localhost:{t.port}"
    return (["s-nail", "-:/", "-Sv15-compat", "-Smta=" + url.replace(
        "://", f"://{t.login()}@"),
             "-Stls-ca-file=" + t.ca, "-Stls-verify=strict", "-Ssmtp-use-starttls",
             "-Sfrom=" + USER, "-Ssendwait", "-Sttycharset=utf-8",
             "-s", t.subject, t.to], t.body)


def muttrc(t):
    return t.file("muttrc", f"""
set smtp_url="{t.scheme()}://{USER}@localhost:{t.port}/"
set smtp_pass="{t.password}"
set ssl_force_tls=yes
set certificate_file="{t.ca}"
set from="{USER}"
set use_from=yes
set record=""
set send_charset="us-ascii:utf-8"
set charset="utf-8"
""")


@client("mutt")
def mutt(t):
    return ["mutt", "-n", "-F", muttrc(t), "-s", t.subject, t.to], t.body


@client("neomutt")
def neomutt(t):
    return ["neomutt", "-n", "-F", muttrc(t), "-s", t.subject, "--", t.to], t.body


@client("sendemail libio-socket-ssl-perl libnet-ssleay-perl", "sendemail", (587,))
def sendEmail(t):
    t.env["SSL_CERT_FILE"] = t.ca
    return (["sendemail", "-f", USER, "-t", t.to, "-u", t.subject, "-s",
             f"localhost:{t.port}", "-xu", USER, "-xp", t.password, "-o",
             "tls=yes", "-o", "message-charset=utf-8", "-o",
             "message-file=" + t.file("body", t.body)], "")


@client("git-email", "git")
def git_send_email(t):
    t.env.update({"GIT_COMMITTER_NAME": "User", "GIT_COMMITTER_EMAIL": USER,
                  "GIT_AUTHOR_NAME": "User", "GIT_AUTHOR_EMAIL": USER})
    patch = t.file("0001-a.patch", t.text.replace(
        "From: ", "From 0000000000000000000000000000000000000000 Mon Sep 17 "
        "00:00:00 2001\nFrom: ", 1))
    return (["git", "-c", "sendemail.confirm=never", "send-email", "--quiet",
             "--suppress-cc=all", "--no-validate", "--8bit-encoding=UTF-8",
             "--transfer-encoding=8bit", f"--smtp-ssl-cert-path={t.ca}",
             f"--from={USER}", f"--to={t.to}",
             "--smtp-server=localhost", f"--smtp-server-port={t.port}",
             "--smtp-encryption=" + ("ssl" if t.implicit else "tls"),
             f"--smtp-user={USER}", f"--smtp-pass={t.password}", patch], "")


PYTHON = ["/usr/bin/python3", "-c"]


@client("python3", "python3")
def Python_smtplib(t):
    return (PYTHON + ["""
import smtplib, ssl, sys
implicit, port, ca, user, password, to = sys.argv[1:]
c = ssl.create_default_context(cafile=ca)
s = (smtplib.SMTP_SSL("localhost", int(port), context=c) if implicit == "True"
     else smtplib.SMTP("localhost", int(port)))
if implicit != "True":
    s.starttls(context=c)
s.login(user, password)
mail = sys.stdin.buffer.read().replace(b"\\n", b"\\r\\n")
s.sendmail(user, [to], mail, mail_options=["BODY=8BITMIME"])
s.quit()
""", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to], t.text)


@client("python3-aiosmtplib", "python3")
def Python_aiosmtplib(t):
    return (PYTHON + ["""
import aiosmtplib, asyncio, email, email.policy, ssl, sys
implicit, port, ca, user, password, to = sys.argv[1:]
m = email.message_from_binary_file(sys.stdin.buffer, policy=email.policy.SMTP)
asyncio.run(aiosmtplib.send(m, hostname="localhost", port=int(port), username=user,
    password=password, use_tls=implicit == "True", start_tls=implicit != "True",
    tls_context=ssl.create_default_context(cafile=ca)))
""", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to], t.text)


@client("python3-django", "python3")
def Django(t):
    t.env["SSL_CERT_FILE"] = t.ca
    return (PYTHON + ["""
import sys
from django.conf import settings
implicit, port, user, password, to, subject = sys.argv[1:]
settings.configure(EMAIL_HOST="localhost", EMAIL_PORT=int(port),
    EMAIL_USE_SSL=implicit == "True", EMAIL_USE_TLS=implicit != "True",
    EMAIL_HOST_USER=user, EMAIL_HOST_PASSWORD=password)
from django.core.mail import send_mail
send_mail(subject, sys.stdin.read(), user, [to])
""", str(t.implicit), str(t.port), USER, t.password, t.to, t.subject], t.body)


@client("php-cli libphp-phpmailer", "php")
def PHPMailer(t):
    return (["php", "-r", r"""
require "/usr/share/php/libphp-phpmailer/autoload.php";
[, $implicit, $port, $ca, $user, $password, $to, $subject] = $argv;
$m = new PHPMailer\PHPMailer\PHPMailer(true);
$m->isSMTP(); $m->Host = "localhost"; $m->Port = (int) $port;
$m->SMTPAuth = true; $m->Username = $user; $m->Password = $password;
$m->SMTPSecure = $implicit == "True" ? "ssl" : "tls";
$m->SMTPOptions = ["ssl" => ["cafile" => $ca]];
$m->CharSet = "utf-8"; $m->setFrom($user); $m->addAddress($to);
$m->Subject = $subject; $m->Body = file_get_contents("php://stdin");
$m->send();
""", "--", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to,
             t.subject], t.body)


@client("perl libio-socket-ssl-perl libauthen-sasl-perl", "perl")
def Perl_Net_SMTP(t):
    return (["perl", "-e", r"""
use strict; use Net::SMTP;
my ($implicit, $port, $ca, $user, $password, $to) = @ARGV;
my $mail = do { local $/; <STDIN> };
my @ssl = (SSL_ca_file => $ca);
my $s = Net::SMTP->new("localhost", Port => $port,
    SSL => $implicit eq "True", @ssl) or die "connect";
$s->starttls(@ssl) or die "starttls" if $implicit ne "True";
$s->auth($user, $password) or die "auth: " . $s->message;
$s->mail($user) or die "mail"; $s->to($to) or die "to: " . $s->message;
$s->data or die "data";
$s->datasend($mail) and $s->dataend or die "end: " . $s->message;
$s->quit;
""", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to], t.text)


@client("libemail-sender-perl libio-socket-ssl-perl libauthen-sasl-perl", "perl")
def Perl_Email_Sender(t):
    return (["perl", "-e", r"""
use strict; use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::SMTP;
my ($implicit, $port, $ca, $user, $password, $to) = @ARGV;
my $mail = do { local $/; <STDIN> };
sendmail($mail, { from => $user, to => $to,
    transport => Email::Sender::Transport::SMTP->new({ host => "localhost",
    port => $port, ssl => $implicit eq "True" ? "ssl" : "starttls",
    ssl_options => { SSL_ca_file => $ca }, sasl_username => $user,
    sasl_password => $password }) });
""", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to], t.text)


@client("ruby", "ruby")
def Ruby_Net_SMTP(t):
    t.env["SSL_CERT_FILE"] = t.ca
    return (["ruby", "-e", r"""
require "net/smtp"
implicit, port, user, password, to = ARGV
s = Net::SMTP.new("localhost", port.to_i)
implicit == "True" ? s.enable_tls : s.enable_starttls
s.start("localhost", user, password, :plain) do |c|
  c.send_message(STDIN.read, user, to)
end
""", str(t.implicit), str(t.port), USER, t.password, t.to], t.text)


@client("nodejs node-nodemailer", "node")
def nodemailer(t):
    t.env["NODE_EXTRA_CA_CERTS"] = t.ca
    t.env["NODE_PATH"] = "/usr/share/nodejs"
    return (["node", "-e", r"""
const [implicit, port, user, pass, to, subject] = process.argv.slice(1);
const text = require("fs").readFileSync(0, "utf8");
require("nodemailer").createTransport({ host: "localhost", port: +port,
    secure: implicit === "True", requireTLS: true, auth: { user, pass } })
    .sendMail({ from: user, to, subject, text })
    .catch((e) => { console.error(e); process.exit(1); });
""", str(t.implicit), str(t.port), USER, t.password, t.to, t.subject], t.body)


@client("mailutils", "mail.mailutils")
def GNU_mailutils(t):
    scheme = "smtps" if t.implicit else "smtp"
    url = f"{scheme}://{t.login()}@localhost:{t.port}"
    return (["mail.mailutils", "--no-config", "-E", f'set sendmail="{url}"',
             "-E", "set encoding=base64", "-a",
             "Content-Type: text/plain; charset=utf-8", "-r", USER,
             "-s", t.subject, t.to], t.body)


@client("php-cli php-symfony-mailer", "php")
def Symfony_Mailer(t):
    return (["php", "-d", f"openssl.cafile={t.ca}", "-r", r"""
require "/usr/share/php/Symfony/Component/Mailer/autoload.php";
[, $implicit, $port, $user, $password, $to, $subject] = $argv;
$m = new Symfony\Component\Mailer\Mailer(
    Symfony\Component\Mailer\Transport::fromDsn(sprintf("smtp%s://%s:%s@localhost:%d",
    $implicit == "True" ? "s" : "", rawurlencode($user), rawurlencode($password), $port)));
$m->send((new Symfony\Component\Mime\Email())->from($user)->to($to)
    ->subject($subject)->text(file_get_contents("php://stdin")));
""", "--", str(t.implicit), str(t.port), USER, t.password, t.to, t.subject],
            t.body)


@client("golang-go", "go")
def Go_net_smtp(t):
    t.env["SSL_CERT_FILE"] = t.ca
    program = t.file("main.go", r"""package main

import ("crypto/tls"; "io"; "net/smtp"; "os")

func must(err error) { if err != nil { println(err.Error()); os.Exit(1) } }

func main() {
	a := os.Args[1:]
	at := "localhost:" + a[1]
	conf := &tls.Config{ServerName: "localhost"}
	var c *smtp.Client
	var err error
	if a[0] == "True" {
		conn, err := tls.Dial("tcp", at, conf); must(err)
		c, err = smtp.NewClient(conn, "localhost"); must(err)
	} else {
		c, err = smtp.Dial(at); must(err)
		must(c.StartTLS(conf))
	}
	must(c.Auth(smtp.PlainAuth("", a[2], a[3], "localhost")))
	must(c.Mail(a[2])); must(c.Rcpt(a[4]))
	w, err := c.Data(); must(err)
	_, err = io.Copy(w, os.Stdin); must(err)
	must(w.Close()); must(c.Quit())
}
""")
    t.env["GOCACHE"] = files("gocache")
    return (["go", "run", program, str(t.implicit), str(t.port), USER, t.password,
             t.to], t.text)


@client("openjdk-17-jdk-headless libjakarta-mail-java", "java")
def Jakarta_Mail(t):
    program = t.file("Send.java", r"""
import jakarta.mail.*;
import jakarta.mail.internet.*;
import java.util.Properties;

public class Send {
  public static void main(String[] a) throws Exception {
    boolean implicit = a[0].equals("True");
    Properties p = new Properties();
    p.put("mail.smtp.ssl.enable", a[0].toLowerCase());
    p.put("mail.smtp.starttls.enable", "true");
    p.put("mail.smtp.starttls.required", String.valueOf(!implicit));
    p.put("mail.smtp.ssl.checkserveridentity", "true");
    p.put("mail.smtp.auth", "true");
    p.put("mail.mime.charset", "utf-8");
    Session s = Session.getInstance(p);
    MimeMessage m = new MimeMessage(s);
    m.setFrom(a[2]);
    m.setRecipients(Message.RecipientType.TO, a[4]);
    m.setSubject(a[5], "utf-8");
    m.setText(new String(System.in.readAllBytes(), "utf-8"), "utf-8");
    m.saveChanges();
    try (Transport t = s.getTransport("smtp")) {
      t.connect("localhost", Integer.parseInt(a[1]), a[2], a[3]);
      t.sendMessage(m, m.getAllRecipients());
    }
  }
}
""")
    return (["java", *trusting(t), "-cp",
             "/usr/share/java/jakarta-mail.jar:/usr/share/java/jakarta-activation.jar",
             program, str(t.implicit), str(t.port), USER, t.password, t.to,
             t.subject], t.body)


def trusting(t):
    """Java's options for a store that has the relay's certificate alone."""
    store = files("store.p12")
    if not os.path.exists(store):
        subprocess.run(
            ["keytool", "-importcert", "-noprompt", "-alias", "relay", "-file", t.ca,
             "-keystore", store, "-storepass", "secret"], check=True,
            capture_output=True)
    return [f"-Djavax.net.ssl.trustStore={store}",
            "-Djavax.net.ssl.trustStorePassword=secret"]


@client("openjdk-17-jdk-headless libcommons-net-java", "java")
def Java_Commons_Net(t):
    program = t.file("Net.java", r"""
import java.io.Writer;
import org.apache.commons.net.smtp.*;

public class Net {
  static void must(boolean ok, SMTPClient c) throws Exception {
    if (!ok) throw new Exception(c.getReplyString());
  }
  public static void main(String[] a) throws Exception {
    boolean implicit = a[0].equals("True");
    AuthenticatingSMTPClient c = new AuthenticatingSMTPClient("TLS", implicit, "utf-8");
    c.setEndpointCheckingEnabled(true);
    c.connect("localhost", Integer.parseInt(a[1]));
    must(SMTPReply.isPositiveCompletion(c.getReplyCode()), c);
    must(SMTPReply.isPositiveCompletion(c.ehlo("client.test")), c);
    if (!implicit) {
      must(c.execTLS(), c);
      must(SMTPReply.isPositiveCompletion(c.ehlo("client.test")), c);
    }
    must(c.auth(AuthenticatingSMTPClient.AUTH_METHOD.PLAIN, a[2], a[3]), c);
    must(c.setSender(a[2]), c);
    must(c.addRecipient(a[4]), c);
    Writer w = c.sendMessageData();
    must(w != null, c);
    w.write(new String(System.in.readAllBytes(), "utf-8"));
    w.close();
    must(c.completePendingCommand(), c);
    c.logout();
  }
}
""")
    return (["java", *trusting(t), "-cp", "/usr/share/java/commons-net.jar", program,
             str(t.implicit), str(t.port), USER, t.password, t.to], t.text)


@client("emacs-nox", "emacs")
def Emacs_smtpmail(t):
    home = t.folder("home")
    os.makedirs(os.path.join(home, ".emacs.d"))
    t.env["HOME"] = home
    text = t.file("mail", t.text)
    auth = t.file("authinfo", f"machine localhost port {t.port} login {USER} "
                  f"password {t.password}\n")
    return (["emacs", "-Q", "--batch", "--eval", f"""(progn
(require 'smtpmail) (require 'gnutls)
(setq network-security-level 'low ; it asks a person about a certificate of its own
      auth-sources '("{auth}")
      user-mail-address "{USER}" mail-host-address "client.test"
      smtpmail-smtp-server "localhost" smtpmail-smtp-service {t.port}
      smtpmail-smtp-user "{USER}" smtpmail-queue-mail nil
      sendmail-coding-system 'utf-8-unix
      smtpmail-stream-type '{'ssl' if t.implicit else 'starttls'})
(set-language-environment "UTF-8")
(with-temp-buffer
  (let ((coding-system-for-read 'utf-8-unix)) (insert-file-contents "{text}"))
  (goto-char (point-min)) (search-forward "\\n\\n") (backward-char 1)
  (insert mail-header-separator)
  (smtpmail-send-it)))"""], "")


@client("python3-twisted python3-openssl python3-service-identity", "python3")
def Python_Twisted(t):
    t.env["SSL_CERT_FILE"] = t.ca
    return (PYTHON + ["""
import io, sys
from twisted.internet import endpoints, reactor, ssl
from twisted.internet.defer import Deferred
from twisted.mail.smtp import ESMTPSenderFactory
implicit, port, ca, user, password, to = sys.argv[1:]
with open(ca) as f:
    trust = ssl.Certificate.loadPEM(f.read())
options = ssl.optionsForClientTLS("localhost", trust)
done, failed = Deferred(), []
factory = ESMTPSenderFactory(user.encode(), password.encode(), user, to,
    io.BytesIO(sys.stdin.buffer.read()), done, retries=0, contextFactory=options,
    requireTransportSecurity=implicit != "True", hostname="localhost")
if implicit == "True":
    reactor.connectSSL("localhost", int(port), factory, options)
else:
    reactor.connectTCP("localhost", int(port), factory)
done.addErrback(lambda e: failed.append(e.getErrorMessage()))
done.addBoth(lambda _: reactor.stop())
reactor.run()
sys.exit(str(failed[0]) if failed else 0)
""", str(t.implicit), str(t.port), t.ca, USER, t.password, t.to], t.text)


@client("python3-flask-mail", "python3")
def Flask_Mail(t):
    t.env["SSL_CERT_FILE"] = t.ca
    return (PYTHON + ["""
import sys
from flask import Flask
from flask_mail import Mail, Message
implicit, port, user, password, to, subject = sys.argv[1:]
app = Flask("trial")
app.config.update(MAIL_SERVER="localhost", MAIL_PORT=int(port),
    MAIL_USE_SSL=implicit == "True", MAIL_USE_TLS=implicit != "True",
    MAIL_USERNAME=user, MAIL_PASSWORD=password)
with app.app_context():
    Mail(app).send(Message(subject, sender=user, recipients=[to],
                           body=sys.stdin.read()))
""", str(t.implicit), str(t.port), USER, t.password, t.to, t.subject], t.body)


@client("tcllib tcl-tls", "tclsh", (587,))
def Tcl_smtp(t):
    program = t.file("send.tcl", r"""
package require smtp
package require mime
lassign $argv port user password to subject
fconfigure stdin -encoding utf-8
set m [mime::initialize -canonical text/plain -param {charset utf-8} \
    -encoding base64 -string [encoding convertto utf-8 [read stdin]]]
# "secure": no mail without TLS. The certificate is not looked at.
set code [catch {smtp::sendmessage $m -servers localhost -ports $port -usetls 1 \
    -tlspolicy {apply {{code text} {return secure}}} -username $user \
    -password $password -originator $user -recipients $to -header [list From $user] \
    -header [list To $to] -header [list Subject [mime::word_encode utf-8 base64 \
    [encoding convertto utf-8 $subject]]]} said]
puts stderr $said
exit [expr {$code != 0 || $said ne ""}]
""")
    return (["tclsh", program, str(t.port), USER, t.password, t.to, t.subject],
            t.body)


@client("php-cli php-mail php-net-smtp php-mail-mime", "php")
def PHP_PEAR_Mail(t):
    return (["php", "-d", f"openssl.cafile={t.ca}", "-d",
             "error_reporting=E_ALL & ~E_DEPRECATED", "-r", r"""
require "Mail.php";
[, $implicit, $port, $user, $password, $to, $subject] = $argv;
$m = Mail::factory("smtp", ["host" => ($implicit == "True" ? "ssl://" : "") . "localhost",
    "port" => (int) $port, "auth" => true, "username" => $user,
    "password" => $password, "timeout" => 30]);
$done = $m->send($to, ["From" => $user, "To" => $to, "MIME-Version" => "1.0",
    "Subject" => mb_encode_mimeheader($subject, "utf-8"),
    "Content-Type" => "text/plain; charset=utf-8",
    "Content-Transfer-Encoding" => "8bit"], file_get_contents("php://stdin"));
if (PEAR::isError($done)) { fwrite(STDERR, $done->getMessage()); exit(1); }
""", "--", str(t.implicit), str(t.port), USER, t.password, t.to, t.subject],
            t.body)


@client("golang-go golang-github-emersion-go-smtp-dev "
        "golang-github-emersion-go-sasl-dev", "go")
def Go_emersion_smtp(t):
    program = t.file("emersion.go", r"""package main

import (
	"crypto/tls"
	"io"
	"os"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

func must(err error) { if err != nil { println(err.Error()); os.Exit(1) } }

func main() {
	a := os.Args[1:]
	conf := &tls.Config{ServerName: "localhost"}
	var c *smtp.Client
	var err error
	if a[0] == "True" {
		c, err = smtp.DialTLS("localhost:"+a[1], conf); must(err)
	} else {
		c, err = smtp.Dial("localhost:" + a[1]); must(err)
		must(c.StartTLS(conf))
	}
	must(c.Auth(sasl.NewPlainClient("", a[2], a[3])))
	must(c.Mail(a[2], nil))
	must(c.Rcpt(a[4]))
	w, err := c.Data(); must(err)
	_, err = io.Copy(w, os.Stdin); must(err)
	must(w.Close()); must(c.Quit())
}
""")
    t.env.update({"GOCACHE": files("gocache"), "GOPATH": "/usr/share/gocode",
                  "GO111MODULE": "off", "SSL_CERT_FILE": t.ca})
    return (["go", "run", program, str(t.implicit), str(t.port), USER, t.password,
             t.to], t.text)


@client("nmh", "/usr/lib/mh/post")
def nmh(t):
    home = t.folder("home")
    for name, text in ((".mh_profile", "Path: Mail\n"), (".netrc", "machine localhost "
                       f"login {USER} password {t.password}\n")):
        with open(os.path.join(home, name), "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(os.path.join(home, name), 0o600)
    t.env.update({"HOME": home, "SSL_CERT_FILE": t.ca})
    draft = t.file("draft", t.text)
    return (["/usr/lib/mh/post", "-mts", "smtp", "-server", "localhost", "-port",
             str(t.port), "-initialtls" if t.implicit else "-tls", "-certverify",
             "-sasl", "-saslmech", "plain", "-user", USER, draft], "")


@client("lua5.4 lua-socket lua-sec", "lua5.4", (465,))
def Lua_socket(t):
    program = t.file("send.lua", r"""
local smtp, ssl, socket = require("socket.smtp"), require("ssl"), require("socket")
local port, ca, user, password, to = table.unpack(arg)
local function create()
  local plain = socket.tcp()
  local it = {}
  function it:connect(host, p)
    local ok, err = plain:connect(host, p)
    if not ok then return nil, err end
    plain, err = ssl.wrap(plain, { mode = "client", protocol = "any", cafile = ca,
                                   verify = "peer", options = "all" })
    if not plain then return nil, err end
    return plain:dohandshake()
  end
  setmetatable(it, { __index = function(_, name)
    return function(_, ...) return plain[name](plain, ...) end
  end })
  return it
end
local text = io.read("a"):gsub("\n", "\r\n")
local ok, err = smtp.send({ from = "<" .. user .. ">", rcpt = "<" .. to .. ">",
  source = require("ltn12").source.string(text),
  server = "localhost", port = tonumber(port), user = user, password = password,
  create = create, domain = "client.test" })
if not ok then io.stderr:write(tostring(err), "\n") os.exit(1) end
""")
    return (["lua5.4", program, str(t.port), t.ca, USER, t.password, t.to], t.text)
