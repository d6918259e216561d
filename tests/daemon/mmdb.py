"""Writes a database of countries in MaxMind's form (version 2.0), from networks
such as {"127.9.0.0/16": "DE"}."""
import ipaddress


def _head(kind, size):
    assert size < 29
    if kind < 8:
        return bytes([kind << 5 | size])
    return bytes([size, kind - 7])


def _value(v):
    if isinstance(v, str):
        return _head(2, len(v)) + v.encode()
    if isinstance(v, tuple):  # 5: of 16 bits; 6: of 32; 9: of 64
        kind, number = v
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        return _head(kind, len(raw)) + raw
    if isinstance(v, list):
        return _head(11, len(v)) + b"".join(map(_value, v))
    return _head(7, len(v)) + b"".join(
        _value(k) + _value(x) for k, x in v.items())


def write(path, networks):
    data, nodes = b"", [[None, None]]
    for network, country in networks.items():
        net, at = ipaddress.ip_network(network), 0
        bits = f"{int(net.network_address):032b}"[:net.prefixlen]
        for i, bit in enumerate(map(int, bits)):
            if i == len(bits) - 1:
                nodes[at][bit] = ("data", len(data))
            elif nodes[at][bit] is None:
                nodes.append([None, None])
                nodes[at][bit] = at = len(nodes) - 1
            else:
                at = nodes[at][bit]
        data += _value({"country": {"iso_code": country}})

    def record(r):
        if r is None:
            r = len(nodes)
        elif isinstance(r, tuple):
            r = len(nodes) + 16 + r[1]
        return r.to_bytes(3, "big")

    with open(path, "wb") as f:
        for left, right in nodes:
            f.write(record(left) + record(right))
        f.write(bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + _value({
            "binary_format_major_version": (5, 2),
            "binary_format_minor_version": (5, 0),
            "build_epoch": (9, 1700000000), "database_type": "Country",
            "description": {"en": "a test"}, "ip_version": (5, 4),
            "languages": ["en"], "node_count": (6, len(nodes)),
            "record_size": (5, 24)}))
