"""The hosts that are no good, and the name server that knows them all, for
contrib/bench mix. A program of its own: `hosts.py` answers until it is ended.

good0.test ... has an MX at 127.0.2.1 ..., where somebody else listens; silent0.test
... accepts and says nothing; slow0.test ... takes three seconds for each reply;
rude0.test ... hangs up at MAIL. No other name exists.
"""
import asyncio
import re
import struct

GOOD, BAD = 50, 10  # domains, each at an address of its own
ADDRESSES = {"good": "127.0.2.", "silent": "127.0.3.", "slow": "127.0.4.",
             "rude": "127.0.5."}
SERVER = "127.0.0.53"
SLOW = 3  # seconds
TYPE_A, TYPE_MX, NXDOMAIN = 1, 15, 3


def address(name):
    """Of a host or a domain; None for one that does not exist."""
    found = re.fullmatch(r"(?:mx\.)?([a-z]+)(\d+)\.test", name.lower())
    if not found or found[1] not in ADDRESSES:
        return None
    number = int(found[2])
    most = GOOD if found[1] == "good" else BAD
    return ADDRESSES[found[1]] + str(1 + number) if number < most else None


def read_name(packet, at):
    labels = []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
        at += 1 + packet[at]
    return ".".join(labels), at + 1


def write_name(name):
    return b"".join(bytes([len(part)]) + part.encode()
                    for part in name.split(".")) + b"\0"


def answer(packet):
    """RFC 1035 4.1: the reply to one question."""
    name, end = read_name(packet, 12)
    kind = struct.unpack("!H", packet[end:end + 2])[0]
    question, ip, data = packet[12:end + 4], address(name), b""
    if ip and kind == TYPE_A:
        data = bytes(int(part) for part in ip.split("."))
    elif ip and kind == TYPE_MX and not name.startswith("mx."):
        data = struct.pack("!H", 10) + write_name("mx." + name)
    records = b""
    if data:
        records = struct.pack("!HHHIH", 0xC00C, kind, 1, 300, len(data)) + data
    flags = 0x8180 | (0 if ip else NXDOMAIN)
    return packet[:2] + struct.pack("!HHHHH", flags, 1, bool(data), 0,
                                    0) + question + records


class Names(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(answer(data), addr)


async def silent(reader, writer):
    await reader.read()
    writer.close()


async def rude(reader, writer):
    writer.write(b"220 rude.test ESMTP\r\n")
    while line := await reader.readline():
        if line.upper().startswith(b"MAIL"):
            break
        writer.write(b"250 rude.test\r\n")
    writer.close()


async def slow(reader, writer):
    await asyncio.sleep(SLOW)
    writer.write(b"220 slow.test ESMTP\r\n")
    in_data = False
    while line := await reader.readline():
        if in_data and line != b".\r\n":
            continue
        verb = line[:4].upper()
        await asyncio.sleep(SLOW)
        writer.write(b"354 go on\r\n" if verb == b"DATA" else
                     b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        in_data = verb == b"DATA"
        if verb == b"QUIT":
            break
    writer.close()


async def guarded(serve, reader, writer):
    try:
        await serve(reader, writer)
    except OSError:
        writer.close()


async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Names, local_addr=(SERVER, 53))
    for kind, serve in ("silent", silent), ("slow", slow), ("rude", rude):
        for number in range(BAD):
            await asyncio.start_server(
                lambda r, w, s=serve: guarded(s, r, w),
                ADDRESSES[kind] + str(1 + number), 25, backlog=1000)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
