#!/usr/bin/python3
"""Who a message is from, as GMime reads it: for each message of a JSON list of
strings (latin-1) a list of [name, address] of From, Sender and their kin.

The system's own Python has the binding; the one that runs the tests may be
another one."""
import json
import sys

import gi

gi.require_version("GMime", "3.0")
from gi.repository import GMime  # noqa: E402

GMime.init()


def walk(addresses):
    for i in range(addresses.length()):
        one = addresses.get_address(i)
        if isinstance(one, GMime.InternetAddressGroup):
            yield [one.get_name(), None]
            yield from walk(one.get_members())
        else:
            yield [one.get_name(), one.get_addr()]


def authors(data):
    stream = GMime.StreamMem.new_with_buffer(data)
    message = GMime.Parser.new_with_stream(stream).construct_message(None)
    got = list(walk(message.get_from())) + list(walk(message.get_sender()))
    for name in ("Resent-From", "Resent-Sender"):
        value = message.get_header(name)
        parsed = value and GMime.InternetAddressList.parse(None, value)
        got += list(walk(parsed)) if parsed else []
    return got


json.dump([authors(text.encode("latin-1"))
           for text in json.load(sys.stdin)], sys.stdout)
