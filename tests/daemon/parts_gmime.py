#!/usr/bin/python3
"""A message as GMime reads it: for each of a JSON list of messages (base64) what a
person would see of it: fields, decoded, and its parts: type, file name, content
(base64), decoded.

The system's own Python has the binding; the one that runs the tests may be
another one."""
import base64
import json
import sys

import gi

gi.require_version("GMime", "3.0")
from gi.repository import GMime  # noqa: E402

GMime.init()


def content(part):
    """A part's octets, its transfer encoding undone."""
    wrapper = part.get_content()
    out = GMime.StreamMem.new()
    if wrapper is not None:
        wrapper.write_to_stream(out)
    return base64.b64encode(bytes(out.get_byte_array())).decode()


def parts(entity):
    kind = entity.get_content_type().get_mime_type()
    if isinstance(entity, GMime.MessagePart):
        return [[kind, None, None], *message(entity.get_message())]
    if isinstance(entity, GMime.Multipart):
        found = [[kind, None, None]]
        for i in range(entity.get_count()):
            found += parts(entity.get_part(i))
        return found
    return [[kind, entity.get_filename(), content(entity)]]


def fields(of):
    found = {"Subject": of.get_subject()}
    for name in ("From", "To", "Cc"):
        value = of.get_header(name)
        read = value and GMime.InternetAddressList.parse(None, value)
        found[name] = read and read.to_string(None, False)
    return found


def message(of):
    body = of.get_mime_part()
    return [fields(of), *(parts(body) if body is not None else [])]


def read(data):
    stream = GMime.StreamMem.new_with_buffer(data)
    return message(GMime.Parser.new_with_stream(stream)
                   .construct_message(None))


json.dump([read(base64.b64decode(text)) for text in json.load(sys.stdin)],
          sys.stdout)
