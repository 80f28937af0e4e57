"""slow_primary - a primary of many small zones that is slow, silent, or never ends, and counts who is at it

    with SlowPrimary(address="127.0.0.2", delay=0.1) as primary:
        primary.most, primary.asked["AXFR"], primary.times["SOA"]     # transfers at once, numbers, and when
"""

import collections
import socket
import struct
import threading
import time

from dns_wire import TYPES, read_tcp, wire_name


def soa(zone, serial):
    return (zone, TYPES["SOA"], b"\2ns" + wire_name(zone) + b"\1h" + wire_name(zone) + struct.pack(">5I", serial, 3600, 900, 604800, 60))


def message(packet, answers):
    """The answer to a question with these records."""
    at = 12
    while packet[at]:
        at += 1 + packet[at]
    body = b"".join(wire_name(owner) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data for owner, kind, data in answers)
    return packet[:2] + struct.pack(">HHHHH", 0x8400, 1, len(answers), 0, 0) + packet[12:at + 5] + body


class SlowPrimary:
    """Every name is a zone with serial 1 (serial) and the records NS and A. An AXFR gets its first message at once and the rest after
    `delay` seconds (None: never; "endless": one message a second for ever). udp: how questions over UDP are answered: "yes",
    "no", or "forged" (with packets of others before)."""

    def __init__(self, address="127.0.0.1", delay=0.0, udp="yes", serial=1):
        self.delay, self.udp, self.serial = delay, udp, serial
        self.asked = collections.Counter()  # by type over TCP, and "UDP"
        self.times = collections.defaultdict(list)
        self.serials = []  # zones whose serial was asked for over UDP
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server((address, 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((address, self.port))
        self.connections = []
        for target in (self.accept, self.answer_packets):
            threading.Thread(target=target, daemon=True).start()

    def question(self, packet, transport):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode())
            at += 1 + packet[at]
        kind = {TYPES["SOA"]: "SOA", TYPES["IXFR"]: "IXFR", TYPES["AXFR"]: "AXFR"}[struct.unpack_from(">H", packet, at + 1)[0]]
        with self.lock:
            self.asked[transport if transport == "UDP" else kind] += 1
            self.times[kind].append(time.monotonic())
        return ".".join(labels), kind

    def answer_packets(self):
        while True:
            try:
                packet, client = self.datagrams.recvfrom(4096)
            except OSError:
                return
            if len(packet) < 12:
                continue
            zone, _ = self.question(packet, "UDP")
            self.serials.append(zone)
            if self.udp == "no":
                continue
            answer = message(packet, [soa(zone, self.serial)])
            if self.udp == "forged":
                lie = message(packet, [soa(zone, self.serial + 7)])
                self.datagrams.sendto(bytes([lie[0] ^ 1]) + lie[1:], client)
                self.datagrams.sendto(lie[:2] + b"\0\0" + lie[4:], client)
                self.datagrams.sendto(lie[:9], client)
            self.datagrams.sendto(answer, client)

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                while packet := read_tcp(connection):
                    zone, kind = self.question(packet, "TCP")
                    if kind == "SOA":
                        self.send(connection, message(packet, [soa(zone, self.serial)]))
                    else:
                        self.transfer(connection, packet, zone)
        except OSError:
            pass

    def transfer(self, connection, packet, zone):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            self.send(connection, message(packet, [soa(zone, self.serial), (zone, TYPES["NS"], b"\2ns" + wire_name(zone))]))
            number = 0
            while self.delay in (None, "endless"):
                if self.delay:
                    number += 1
                    self.send(connection, message(packet, [(f"n{number}.{zone}", 1, bytes([192, 0, 2, 1]))]))
                    time.sleep(1)
                elif not connection.recv(1):
                    return
            time.sleep(self.delay)
            self.send(connection, message(packet, [("ns." + zone, 1, bytes([192, 0, 2, 1])), soa(zone, self.serial)]))
        finally:
            with self.lock:
                self.now -= 1

    @staticmethod
    def send(connection, packet):
        connection.sendall(struct.pack(">H", len(packet)) + packet)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()
        self.datagrams.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
