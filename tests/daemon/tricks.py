"""Headers that try to be from somebody else, and such that people write: {own} is the
account's address, {ceo} another one's. docs/forged-from.md is made of them."""
from harness import USER

CEO = "ceo@bank.test"

GOOD = [
    "From: {own}", "From: <{own}>", "From: Ann <{own}>",
    'From: "Meier, Ann" <{own}>', "From: {own} (Ann)",
    "From: =?utf-8?Q?Ann_M=C3=BCller?= <{own}>",
    "From: =?iso-2022-jp?B?GyRCJDMbKEI=?= <{own}>",
    "From: Ann\r\n <{own}>", "From: Team: {own}, a@lists.test;",
    "From: {own} <{own}>", "From: {own}\r\nSender: sales@example.com",
]

TRICKS = [
    "From: {ceo}", "From: <{ceo}>", "From: Ann <{ceo}>", "FROM:{ceo}",
    "From : {ceo}", "From\t: {ceo}", "From: {own}\r\nFrom: {ceo}",
    "From: {ceo}\r\nFrom: {own}", "From: {own}\r\nFrom : {ceo}",
    "From: {own}, {ceo}", "From: {ceo}, {own}", "From: {own}\r\n , {ceo}",
    "From: Team: {ceo};", "From: Team: {own};, {ceo}",
    'From: "{ceo}" <{own}>', "From: {ceo} <{own}>",
    'From: "Ceo <{ceo}>" <{own}>', "From: ({ceo}) {own}",
    "From: {own} ({ceo})", "From: {own} (a (b ({ceo})))",
    "From: {ceo}: {own};", 'From: "ceo\\@bank.test" <{own}>',
    'From: ceo"@"bank.test <{own}>', 'From: "ceo @ bank.test" <{own}>',
    "From: =?utf-8?Q?ceo=40bank.test?= <{own}>",
    "From: =?utf-8?B?Y2VvQGJhbmsudGVzdA==?= <{own}>",
    'From: "=?utf-8?B?Y2VvQGJhbmsudGVzdA==?=" <{own}>',
    "From: =?utf-8?Q?ceo?= =?utf-8?Q?=40bank?=\r\n =?utf-8?Q?.test?= <{own}>",
    "From: =?utf-7?Q?ceo+AEA-bank.test?= <{own}>",
    "From: =?utf-16be?B?AGMAZQBvAEAAYgBhAG4AawAuAHQAZQBzAHQ=?= <{own}>",
    "From: =?x-none?Q?ceo=40bank.test?= <{own}>",
    "From: <{ceo}> <{own}>", "From: <{own}> {ceo}", "From: <<{ceo}>{own}>",
    "From: {own} {ceo}", "From: <@bank.test:{own}>", "From: <{own}({ceo})>",
    "From: {own}; {ceo}", 'From: "Ann <{own}>, {ceo}', "From: (x <{own}>, {ceo}",
    "From: Ann \\<{ceo}> <{own}>", "From: <{ceo}", "From: {ceo}>",
    'From: <"ceo@bank.test"@lists.test>', 'From: <"ceo@bank.test> "@lists.test>',
    "From: {own}@bank.test", "From: {own}.bank.test", "From: root",
    "From: {own}\r\nSender: {ceo}", "From: {own}\r\nSENDER : {ceo}",
    "From: {own}\r\nResent-From: {ceo}", "From: {own}\r\nResent-Sender: {ceo}",
    "Resent-From: {own}\r\nFrom: {ceo}", "From: ceo@[192.0.2.1]",
    "From: ceo\uff20bank.test <{own}>", "From: ceo\ufe6bbank\u3002test <{own}>",
    "From: ceo\u200b@bank.test <{own}>", "From: \u202etset.knab@oec <{own}>",
    "From: ceo@b\u00e4nk.test", "From: =?utf-8?Q?ceo=EF=BC=A0bank.test?= <{own}>",
    "\xef\xbb\xbfFrom: {ceo}", "Subject: x\r\n\r\n".rstrip() + "\r\nFrom: {ceo}",
    "Subject: x\r\nnot a field\r\nFrom: {ceo}",
    # What a second round with other inputs brought.
    "From: {own}, boss: {ceo};", 'From: "{ceo}": {own};', "From: {ceo} : {own};",
    "From: ceo(x)@bank.test", "From: <ceo@bank(x).test>",
    "From: <{own}> (a\\) {ceo}", "From: =?cp500?Q?=83=85=96=7C=82=81=95=92=4B"
    "=A3=85=A2=A3?= <{own}>", "From: =?hz-gb-2312?Q?ceo=40bank.test?= <{own}>",
    "From: =?utf-8*en?Q?ceo=40bank.test?= <{own}>",
    "From: Ann=?utf-8?Q?ceo=40bank.test?= <{own}>",
    "From: {own} (=?utf-8?Q?ceo=40bank.test?=)",
    "From: =??Q?ceo=40bank.test?= <{own}>",
    "From: =?utf-8?B?Y2VvQGJhbmsudGVzdA?= <{own}>",
    "From: =?utf-8?X?ceo@bank.test?= <{own}>",
    "From: =?utf-8?Q?ceo=40bank.test?=",
    "From: =?utf-8?Q?Ann=0D=0AFrom:_ceo=40bank.test?= <{own}>",
    "From: =?utf-8?Q?=3D=3Futf-8=3FQ=3Fceo=3D40bank.test=3F=3D?= <{own}>",
    "From: <ceo\r\n @bank.test>", "From:\r\n {ceo}", "From: {own}\r\nfROM: {own}",
    "From: {own}\r\nSender: {own}\r\nSender: {ceo}",
    "From: {own}\r\nResent-From: {own}\r\nResent-From: {ceo}",
    "From: <{ceo}.>", 'From: "a\\" <{ceo}>" <{own}>', "From: {own},,{ceo}",
    "From: {own}\r\nSender: x:{ceo};", "From: bank.test!ceo",
    "From: ceo%bank.test@example.com", "From: <user+x@bank.test>",
    "From: {own}\r\nX: " + "y" * 900 + "\r\n" + "X: y\r\n" * 20000
    + "From: {ceo}",
]


def fill(text):
    text = text.replace("{own}", USER).replace("{ceo}", CEO)
    raw = text.startswith("\xef\xbb\xbf")
    return text.encode("latin-1" if raw else "utf-8")
