"""fake_primary - a primary of the zone ex.test that answers what a test says, over TCP

    with FakePrimary(1) as primary, Secondary(primary.port, key="") as ours:
        primary.serial, primary.steps = 2, [[soa(2), soa(1), soa(2), a("b"), soa(2)]]
        notify(ours)
"""

import socket
import struct
import threading

from dns_wire import ask, read_tcp, wire_name

SOA = 6


def soa(serial, retry=900):
    return ("ex.test", SOA, b"\3ns1" + wire_name("ex.test") + b"\1h" + wire_name("ex.test") +
            struct.pack(">IIIII", serial, 3600, retry, 604800, 60))


def a(name, last=1):
    return (name + ".ex.test", 1, bytes([192, 0, 2, last]))


NS = ("ex.test", 2, b"\3ns1" + wire_name("ex.test"))


def notify(ours, serial=None, signer=None):
    """The response code to a NOTIFY, which tells a serial or none."""
    count = 0 if serial is None else 1
    packet = struct.pack(">HHHHHH", 7, 0x2400, 1, count, 0, 0) + wire_name("ex.test") + struct.pack(">HH", 6, 1)
    if serial is not None:
        data = soa(serial)[2]
        packet += wire_name("ex.test") + struct.pack(">HHIH", 6, 1, 60, len(data)) + data
    return ask(ours.port, signer.sign(packet) if signer else packet)[3] & 15


class FakePrimary:
    """Answers SOA with a serial, AXFR with a zone of that serial, IXFR with what a test says: a list of messages, each a
    list of records, or bytes. Counts the questions."""

    def __init__(self, serial, extra=()):
        self.serial, self.extra = serial, list(extra)
        self.steps = None
        self.whole = None
        self.asked = {"SOA": 0, "IXFR": 0, "AXFR": 0}
        self.clients = set()  # addresses that asked
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, client = self.listener.accept()
                self.clients.add(client[0])
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                while packet := read_tcp(connection):
                    at = 12
                    while packet[at]:
                        at += 1 + packet[at]
                    kind = {SOA: "SOA", 251: "IXFR", 252: "AXFR"}[struct.unpack_from(">H", packet, at + 1)[0]]
                    self.asked[kind] += 1
                    messages = (each if isinstance(each, bytes) else self.message(each) for each in self.answer(kind))
                    for message in self.sealed(packet, kind, (packet[:2] + each[2:] for each in messages)):
                        connection.sendall(struct.pack(">H", len(message)) + message)
                    if kind != "SOA":
                        return
        except OSError:
            pass

    def sealed(self, packet, kind, messages):
        """The messages as they are sent: for those who sign them."""
        return messages

    def answer(self, kind):
        if kind == "SOA":
            return [[soa(self.serial)]]
        if kind == "IXFR":
            return self.steps() if callable(self.steps) else self.steps
        if self.whole is not None:
            return self.whole
        return [[soa(self.serial), NS, a("ns1"), *self.extra, soa(self.serial)]]

    @staticmethod
    def message(answer):
        packet = struct.pack(">HHHHHH", 0, 0x8400, 1, len(answer), 0, 0) + wire_name("ex.test") + struct.pack(">HH", 252, 1)
        for owner, kind, data, *cls in answer:
            packet += wire_name(owner) + struct.pack(">HHIH", kind, cls[0] if cls else 1, 60, len(data)) + data
        return packet

    def close(self):
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
