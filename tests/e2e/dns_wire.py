"""dns_wire - questions and answers in wire form, for tests that look at every bit

    packet = question("www.ex.test", "A", flags=0x100, edns=Edns(size=1232, options=[(3, b"")]))
    answer = Message(ask(port, packet))
    answer.rcode, answer.flags, answer.sections[0]       # [(owner, type, class, ttl, data), …], names in lower case
"""

import base64
import hmac
import socket
import struct
import time
from collections import namedtuple

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "RP": 17,
         "AFSDB": 18, "RT": 21, "AAAA": 28, "LOC": 29, "SRV": 33, "NAPTR": 35, "KX": 36, "DNAME": 39, "OPT": 41,
         "DS": 43, "SSHFP": 44, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "NSEC3": 50, "TLSA": 52, "SVCB": 64,
         "HTTPS": 65, "SPF": 99, "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252, "MAILB": 253, "MAILA": 254,
         "ANY": 255, "URI": 256, "CAA": 257}
NAMES = {number: name for name, number in TYPES.items()}
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x400, 0x200, 0x100, 0x80, 0x20, 0x10
RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN",
          9: "NOTAUTH", 16: "BADVERS", 23: "BADCOOKIE"}
# Where names stand in the data: octets before, names, "rest".
LAYOUTS = {2: (0, 1), 3: (0, 1), 4: (0, 1), 5: (0, 1), 6: (0, 2), 7: (0, 1), 8: (0, 1), 9: (0, 1), 12: (0, 1),
           14: (0, 2), 15: (2, 1), 17: (0, 2), 18: (2, 1), 21: (2, 1), 26: (2, 2), 33: (6, 1), 36: (2, 1), 39: (0, 1)}
Edns = namedtuple("Edns", "size flags version options", defaults=(1232, 0, 0, ()))


def wire_name(name):
    """From text with escapes, or from labels as bytes."""
    if isinstance(name, (list, tuple)):
        labels = list(name)
    else:
        labels, label, at = [], b"", 0
        while at < len(name):
            c = name[at]
            if c == "\\":
                if name[at + 1].isdigit():
                    label, at = label + bytes([int(name[at + 1:at + 4])]), at + 4
                else:
                    label, at = label + name[at + 1].encode(), at + 2
                continue
            if c == ".":
                labels.append(label)
                label = b""
            else:
                label += c.encode()
            at += 1
        labels.append(label)
    return b"".join(bytes([len(each)]) + each for each in labels if each) + b"\0"


def type_number(kind):
    if isinstance(kind, int):
        return kind
    return TYPES[kind] if kind in TYPES else int(kind[4:])


def type_name(number):
    return NAMES.get(number, f"TYPE{number}")


def question(name, kind, flags=0, edns=None, cls=1, number=0x1234):
    head = struct.pack(">HHHHHH", number, flags, 1, 0, 0, 1 if edns else 0)
    return head + wire_name(name) + struct.pack(">HH", type_number(kind), cls) + (opt(edns) if edns else b"")


def opt(edns):
    data = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in edns.options)
    return b"\0" + struct.pack(">HHBBHH", 41, edns.size, 0, edns.version, edns.flags, len(data)) + data


def ask(port, packet, tcp=False, seconds=5, host="127.0.0.1"):
    """The answer to a packet; None when there is none."""
    try:
        if tcp:
            with socket.create_connection((host, port), seconds) as s:
                s.sendall(struct.pack(">H", len(packet)) + packet)
                return read_tcp(s)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(seconds)
            s.connect((host, port))
            s.send(packet)
            return s.recv(65535)
    except (TimeoutError, ConnectionError):
        return None


def read_tcp(s):
    """One message of a connection; None at its end."""
    data = b""
    while len(data) < 2 or len(data) < 2 + struct.unpack(">H", data[:2])[0]:
        piece = s.recv(2 - len(data) if len(data) < 2 else 2 + struct.unpack(">H", data[:2])[0] - len(data))
        if not piece:
            return None
        data += piece
    return data[2:]


class Message:
    """An answer taken apart; ValueError when it is malformed."""

    def __init__(self, packet):
        self.packet = packet
        self.number, self.flags, *counts = struct.unpack(">HHHHHH", packet[:12])
        self.rcode = self.flags & 15
        self.edns = None
        self.at = 12
        self.questions = []
        for _ in range(counts[0]):
            name = self.name()
            self.questions.append((name, *self.take(">HH")))
        self.sections = [[self.record() for _ in range(count)] for count in counts[1:]]
        self.sections = [[each for each in section if each] for section in self.sections]
        if self.at != len(packet):
            raise ValueError("octets behind the last record")

    def take(self, form):
        values = struct.unpack_from(form, self.packet, self.at)
        self.at += struct.calcsize(form)
        return values

    def name(self, lower=True):
        labels, at, end, size = [], self.at, None, 1
        while True:
            length = self.packet[at]
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | self.packet[at + 1]
                if target >= at:
                    raise ValueError("a pointer that does not lead backwards")
                end = end or at + 2
                at = target
                continue
            if length > 63:
                raise ValueError("a label of an unknown kind")
            at += 1 + length
            if not length:
                break
            size += 1 + length
            labels.append(self.packet[at - length:at])
        if size > 255:
            raise ValueError("a name of more than 255 octets")
        self.at = end or at
        return tuple(label.lower() if lower else label for label in labels)

    def record(self):
        owner = self.name()
        kind, cls, ttl, size = self.take(">HHIH")
        start, end = self.at, self.at + size
        if end > len(self.packet):
            raise ValueError("data beyond the end")
        if kind == 41:
            self.read_opt(cls, ttl, self.packet[start:end])
            self.at = end
            return None
        data = []
        if kind in LAYOUTS:
            before, names = LAYOUTS[kind]
            data.append(self.packet[start:start + before])
            self.at = start + before
            data += [self.name() for _ in range(names)]
        data.append(self.packet[self.at:end])
        if self.at > end:
            raise ValueError("a name beyond the end of its data")
        self.at = end
        return owner, kind, cls, ttl, tuple(data)

    def read_opt(self, size, ttl, data):
        options, at = [], 0
        while at < len(data):
            code, length = struct.unpack_from(">HH", data, at)
            options.append((code, data[at + 4:at + 4 + length]))
            at += 4 + length
        if at != len(data) or self.edns:
            raise ValueError("bad OPT record")
        self.edns = Edns(size, ttl & 0xFFFF, ttl >> 16 & 0xFF, tuple(options))
        self.rcode |= ttl >> 24 << 4

    def option(self, code):
        for number, value in self.edns.options if self.edns else ():
            if number == code:
                return value
        return None

    def text(self):
        """For people."""
        flags = [name for name in ("QR", "AA", "TC", "RD", "RA", "AD", "CD") if self.flags & globals()[name]]
        lines = [f"{RCODES.get(self.rcode, self.rcode)} {' '.join(flags)} {self.edns or ''} {len(self.packet)} octets"]
        for title, section in zip(("answer", "authority", "additional"), self.sections):
            lines += [f"  {title}: {record_text(each)}" for each in section]
        return "\n".join(lines)


def name_text(labels):
    return ".".join(label.decode("latin-1") for label in labels) + "."


def record_text(record):
    owner, kind, cls, ttl, data = record
    parts = [name_text(each) if isinstance(each, tuple) else each.hex() for each in data if each != b""]
    return f"{name_text(owner)} {ttl} {cls if cls != 1 else ''} {type_name(kind)} {' '.join(parts)}"


class Tsig:
    """Signs messages one after the other as RFC 8945 says: a question, or the answers to one (mac: of the question)."""

    ALGORITHM = wire_name("hmac-sha256")

    def __init__(self, key, secret, mac=b""):
        self.name, self.secret, self.mac = wire_name(key), base64.b64decode(secret), mac
        self.later, self.unsigned = False, b""

    def sign(self, packet):
        timers = struct.pack(">HIH", 0, int(time.time()), 300)
        data = (struct.pack(">H", len(self.mac)) + self.mac if self.mac else b"") + self.unsigned + packet
        data += timers if self.later else self.name + struct.pack(">HI", 255, 0) + self.ALGORITHM + timers + bytes(4)
        self.mac = hmac.new(self.secret, data, "sha256").digest()
        self.later, self.unsigned = True, b""
        rdata = self.ALGORITHM + timers + struct.pack(">H", 32) + self.mac + packet[:2] + bytes(4)
        count = struct.unpack(">H", packet[10:12])[0] + 1
        return (packet[:10] + struct.pack(">H", count) + packet[12:] + self.name +
                struct.pack(">HHIH", TYPES["TSIG"], 255, 0, len(rdata)) + rdata)

    def leave(self, packet):
        """One that is not signed, but covered by the next signature."""
        self.unsigned += packet
        return packet


def mac_of(packet):
    """The MAC of a signed message; None when it is not signed."""
    last = (Message(packet).sections[2] or [None])[-1]
    if last is None or last[1] != TYPES["TSIG"]:
        return None
    rdata, at = last[4][0], 0
    while rdata[at]:
        at += 1 + rdata[at]
    size = struct.unpack_from(">H", rdata, at + 9)[0]
    return rdata[at + 11:at + 11 + size]


def is_signed_by(packet, key, secret, mac):
    """Whether an answer has the signature that the holder of the key gives to the answer to a question with this MAC."""
    last = (Message(packet).sections[2] or [None])[-1]
    if last is None or last[1] != TYPES["TSIG"]:
        return False
    size = len(wire_name(key)) + 10 + len(last[4][0])
    bare = packet[:10] + struct.pack(">H", struct.unpack(">H", packet[10:12])[0] - 1) + packet[12:-size]
    timers = last[4][0][len(Tsig.ALGORITHM):][:8]
    data = struct.pack(">H", len(mac)) + mac + bare + wire_name(key) + struct.pack(">HI", 255, 0) + Tsig.ALGORITHM + timers + bytes(4)
    return hmac.new(base64.b64decode(secret), data, "sha256").digest() == mac_of(packet)
