"""lying_server - name servers that answer wrongly, one zone and one address for each way of doing so

    with LyingServer() as liar:                 # binds port 53 of every address in ADDRESSES
        liar.asked("nxns.test")                 # what it was asked about a zone: [Question, …]

The zones stand in ZONES: label below .test -> function from a question to what is sent back, packet by packet. Honest
answers are for GOOD, what nobody may ever be told is EVIL.
"""

import random
import selectors
import socket
import struct
import threading
import time
from collections import namedtuple

from dns_wire import type_number, wire_name

GOOD, EVIL = "198.51.100.10", "203.0.113.66"
RESOLVER = "10.0.0.53"  # address from which the resolver under test asks, and where it listens, too
ELSEWHERE = "192.0.2.99"
SILENCE = ()
Question = namedtuple("Question", "name type tcp packet edns size rd number port", defaults=(0,))
Packet = namedtuple("Packet", "data source delay", defaults=(None, 0))  # source: None, "port", "address"
ZONES = {}


def zone(function):
    ZONES[function.__name__.strip("_").replace("_", "-")] = function
    return function


def a(owner, address=GOOD, ttl=300):
    return owner, "A", ttl, socket.inet_aton(address)


def ns(owner, host, ttl=300):
    return owner, "NS", ttl, wire_name(host)


def cname(owner, target, ttl=300):
    return owner, "CNAME", ttl, wire_name(target)


def soa(apex, ttl=300, minimum=60):
    return apex, "SOA", ttl, wire_name(f"ns.{apex}") + wire_name(f"root.{apex}") + struct.pack(">5I", 1, 3600, 900, 604800, minimum)


def wire_record(record):
    owner, kind, ttl, data = record
    return wire_name(owner) + struct.pack(">HHIH", type_number(kind), 1, ttl, len(data)) + data


def reply(q, answer=(), authority=(), additional=(), rcode=0, flags=0x8400, number=None, asked=None, edns=None):
    """flags: QR and AA; asked: another question section; edns: whether OPT comes back (as it was sent)."""
    with_opt = q.edns if edns is None else edns
    sections = [b"".join(map(wire_record, section)) for section in (answer, authority, additional)]
    head = struct.pack(">HHHHHH", q.number if number is None else number, flags | rcode, 1, len(answer), len(authority),
                       len(additional) + (1 if with_opt else 0))
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0) if with_opt else b""
    return head + (asked or q.packet[12:q.size]) + b"".join(sections) + opt


def apex_of(q):
    return ".".join(q.name.split(".")[-2:])


def nothing(q, rcode=0, minimum=60):
    return reply(q, authority=[soa(apex_of(q), minimum=minimum)], rcode=rcode)


def honest(q, address=GOOD, ttl=300):
    """Every name below the apex has this address."""
    if q.type == 1 and q.name != apex_of(q):
        return reply(q, [a(q.name, address, ttl)])
    return nothing(q)


def only_www(q, lie):
    """The lie for www, and what is right for the rest."""
    return lie() if q.name.startswith("www.") else [honest(q)]


# D35: packets that are not the answer, before the one that is.

@zone
def wrong_id(q):
    return only_www(q, lambda: [reply(q, [a(q.name, EVIL)], number=(q.number + i) & 0xFFFF) for i in (1, 2, 3)] + [honest(q)])


@zone
def wrong_port(q):
    return only_www(q, lambda: [Packet(reply(q, [a(q.name, EVIL)]), "port"), Packet(honest(q), None, 0.05)])


@zone
def wrong_address(q):
    return only_www(q, lambda: [Packet(reply(q, [a(q.name, EVIL)]), "address"), Packet(honest(q), None, 0.05)])


@zone
def wrong_question(q):
    other = wire_name("www.leaf.test") + q.packet[q.size - 4:q.size]
    return only_www(q, lambda: [reply(q, [a("www.leaf.test", EVIL)], asked=other), reply(q, [a(q.name, EVIL)], asked=other),
                                honest(q)])


@zone
def wrong_type(q):
    other = q.packet[12:q.size - 4] + struct.pack(">HH", 28, 1)
    return only_www(q, lambda: [reply(q, [a(q.name, EVIL)], asked=other), honest(q)])


@zone
def no_answer_bit(q):
    return only_www(q, lambda: [reply(q, [a(q.name, EVIL)], flags=0x0400), honest(q)])


@zone
def garbage(q):
    return only_www(q, lambda: [q.packet[:2], q.packet[:2] + b"\x84\0" + b"\xff" * 20, b"", honest(q)])


@zone
def flood(q):
    """Guesses without end over UDP; TCP tells the truth."""
    if q.tcp or not q.name.startswith("www."):
        return [honest(q)]
    return [reply(q, [a(q.name, EVIL)], number=(q.number + i + 1) & 0xFFFF) for i in range(40)]


@zone
def other_case(q):
    swapped = q.packet[12:q.size - 4].swapcase() + q.packet[q.size - 4:q.size]
    return only_www(q, lambda: [reply(q, [a(q.name)], asked=swapped)])


# D36: records that nobody asked for.

@zone
def extra_authority(q):
    lies = [ns("test", "ns.evil.test"), ns("leaf.test", "ns.evil.test"), ns("victim.test", "ns.evil.test")]
    return only_www(q, lambda: [reply(q, [a(q.name)], lies, [a("ns.evil.test", EVIL), a("www.leaf.test", EVIL)])])


@zone
def extra_answer(q):
    return only_www(q, lambda: [reply(q, [a(q.name), a("www.leaf.test", EVIL), ("test", "DNAME", 300, wire_name("evil.test"))])])


@zone
def alias_with_more(q):
    return only_www(q, lambda: [reply(q, [cname(q.name, "www.leaf.test"), a("www.leaf.test", EVIL)])])


@zone
def sideways(q):
    return only_www(q, lambda: [reply(q, [], [ns("leaf.test", "ns.evil.test")], [a("ns.evil.test", EVIL)], flags=0x8000)])


@zone
def upwards(q):
    return only_www(q, lambda: [reply(q, [], [ns("", "ns.evil.test")], [a("ns.evil.test", EVIL)], flags=0x8000)])


@zone
def glue_of_others(q):
    """A referral that brings an address for a server of somebody else's zone."""
    if q.name.startswith("www.sub."):
        return [reply(q, [], [ns("sub.glue-of-others.test", "ns1.leaf.test")], [a("ns1.leaf.test", ELSEWHERE)], flags=0x8000)]
    return [nothing(q)] if q.name.startswith("sub.") else [honest(q)]


# D39: work.

@zone
def nxns(q):
    """NXNSAttack: a referral to very many names of a victim."""
    if q.name.count(".") < 2:
        return [nothing(q)]
    below = ".".join(q.name.split(".")[-3:])
    return [reply(q, [], [ns(below, f"n{i}-{below.split('.')[0]}.victim.test") for i in range(60)], flags=0x8000)]


@zone
def victim(q):
    """Has none of the names."""
    return [nothing(q, 3)] if q.name != "victim.test" else [nothing(q)]


@zone
def many_addresses(q):
    if q.name.count(".") < 2:
        return [nothing(q)]
    below = ".".join(q.name.split(".")[-3:])
    glue = [a(f"ns.{below}", f"192.0.2.{i}") for i in range(200, 240)]
    return [reply(q, [], [ns(below, f"ns.{below}")], glue, flags=0x8000)]


@zone
def chain(q):
    label = q.name.split(".")[0]
    step = int(label[1:]) if label[1:].isdigit() else 0
    return [reply(q, [cname(q.name, f"c{step + 1}.chain.test")])] if q.name.count(".") > 1 else [nothing(q)]


@zone
def loop(q):
    other = {"a": "b", "b": "a"}.get(q.name.split(".")[0])
    return [reply(q, [cname(q.name, f"{other}.loop.test")])] if other else [nothing(q)]


@zone
def camp(q):
    """CAMP: aliases from zone to zone, each of them delegated to names that lead further down."""
    labels = q.name.split(".")
    if len(labels) == 2:
        return [nothing(q)]
    below = ".".join(labels[-3:])
    step = int(labels[-3][1:]) if labels[-3][1:].isdigit() else 0
    if len(labels) == 3 and q.type != 1:
        return [nothing(q)]
    if q.name.startswith("www."):
        return [reply(q, [cname(q.name, f"www.z{step + 1}.camp.test")])]
    names = [ns(below, f"n{i}.z{step + 1}{i}.camp.test") for i in range(10)]
    return [reply(q, [], names, flags=0x8000)]


@zone
def down(q):
    """Referrals that go down for ever."""
    labels = q.name.split(".")
    if len(labels) == 2:
        return [nothing(q)]
    own = [ns(q.name, "ns.down.test")]
    return [reply(q, [], own, [a("ns.down.test", "192.0.2.200")], flags=0x8000)]


@zone
def self_glue(q):
    """The server of the zone below is the resolver itself."""
    if q.name.count(".") < 2:
        return [nothing(q)]
    below = ".".join(q.name.split(".")[-3:])
    glue = [a(f"ns.{below}", address) for address in (RESOLVER, "127.0.0.1", "0.0.0.0", "255.255.255.255")]
    return [reply(q, [], [ns(below, f"ns.{below}")], glue, flags=0x8000)]


@zone
def truncates(q):
    return [reply(q, flags=0x8600)]


@zone
def truncates_udp(q):
    return [honest(q)] if q.tcp else [reply(q, flags=0x8600)]


@zone
def formerr(q):
    """Old: does not know EDNS."""
    return [reply(q, rcode=1, edns=False)] if q.edns else [honest(q)]


@zone
def badvers_always(q):
    return [reply(q, rcode=1)]


@zone
def slow(q):
    return [Packet(honest(q), None, 1.0)]


@zone
def silent(q):
    return SILENCE


@zone
def servfail(q):
    return [reply(q, rcode=2)]


# D38, D40, D41, D46, D49: what is remembered.

@zone
def many(q):
    """Every name exists and is large."""
    return [reply(q, [(q.name, "TXT", 3600, b"\xff" + b"x" * 255)])] if q.type == 16 else [nothing(q)]


@zone
def none(q):
    return [nothing(q, 3, minimum=3600)] if q.name != "none.test" else [nothing(q)]


@zone
def ttl(q):
    ttls = {"zero": 0, "huge": 1 << 31, "most": 0x7FFFFFFF, "short": 1}
    label = q.name.split(".")[0]
    if label in ttls and q.type == 1:
        return [reply(q, [a(q.name, GOOD, ttls[label])])]
    return [nothing(q, 3, minimum=0x7FFFFFFF if label == "never" else 1)]


@zone
def fickle(q):
    """Delegates child.fickle.test to ghost for 2 s, until `gone` is set: then there is no such name."""
    if not q.name.endswith("child.fickle.test"):
        return [nothing(q)]
    if fickle.gone:
        return [nothing(q, 3)]
    glue = [a("ns.child.fickle.test", ADDRESSES["ghost"], 2)]
    return [reply(q, [], [ns("child.fickle.test", "ns.child.fickle.test", 2)], glue, flags=0x8000)]


fickle.gone = False


@zone
def ghost(q):
    """Serves child.fickle.test for ever, as far as it is concerned."""
    own = ns("child.fickle.test", "ns.child.fickle.test", 86400)
    glue = a("ns.child.fickle.test", ADDRESSES["ghost"], 86400)
    if q.type == 2:
        return [reply(q, [own], [], [glue])]
    return [reply(q, [a(q.name, GOOD, 1)], [own], [glue])]


@zone
def empty_names(q):
    """Says that a name does not exist below which there are names."""
    return [honest(q)] if q.name.count(".") != 2 else [nothing(q, 3)]


@zone
def alias_and_more(q):
    return only_www(q, lambda: [reply(q, [cname(q.name, "www.leaf.test"), a(q.name, EVIL)])])


@zone
def two_aliases(q):
    return only_www(q, lambda: [reply(q, [cname(q.name, "www.leaf.test"), cname(q.name, "ns1.leaf.test")])])


@zone
def inner(q):
    """Rebinding: an address of the inside."""
    return [honest(q, "10.1.2.3" if q.name.startswith("www.") else GOOD)]


ADDRESSES = {name: f"192.0.2.{100 + number}" for number, name in enumerate(ZONES)}
assert len(ADDRESSES) < 100


def delegations():
    """Lines for the zone .test."""
    return "".join(f"{name} NS ns.{name}\nns.{name} A {address}\n" for name, address in ADDRESSES.items())


def parse(packet, tcp):
    number, flags, count = struct.unpack(">HHH", packet[:6])
    labels, at = [], 12
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += 1 + packet[at]
    size = at + 5
    kind, = struct.unpack(">H", packet[at + 1:at + 3])
    has_opt = count == 1 and packet[size:size + 3] == b"\0\0\x29"
    edns = struct.unpack(">H", packet[size + 3:size + 5])[0] if has_opt else 0
    return Question(".".join(labels), kind, tcp, packet, edns, size, bool(flags & 0x100), number)


class LyingServer:
    def __init__(self):
        self.questions = []
        self.selector = selectors.DefaultSelector()
        self.elsewhere = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.elsewhere.bind((ELSEWHERE, 53))
        for name, address in ADDRESSES.items():
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            udp.bind((address, 53))
            tcp = socket.create_server((address, 53), backlog=64)
            self.selector.register(udp, selectors.EVENT_READ, lambda s=udp, n=name: self.from_udp(s, n))
            self.selector.register(tcp, selectors.EVENT_READ, lambda s=tcp, n=name: self.from_tcp(s, n))
        self.late = []
        self.ended = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def asked(self, apex):
        """Questions about a zone."""
        return [q for q in self.questions if q.name == apex or q.name.endswith("." + apex)]

    def run(self):
        while not self.ended:
            for key, _ in self.selector.select(0.01 if self.late else 0.2):
                key.data()
            now = time.monotonic()
            due = [each for each in self.late if each[0] <= now]
            self.late = [each for each in self.late if each[0] > now]
            for _, send in due:
                send()

    def answers(self, packet, tcp, name, port=0):
        try:
            question = parse(packet, tcp)._replace(port=port)
        except (IndexError, struct.error):
            return ()
        self.questions.append(question)
        if apex_of(question) != f"{name}.test" and name != "ghost":  # not its zone
            return (Packet(reply(question, rcode=5)),)
        return [each if isinstance(each, Packet) else Packet(each) for each in ZONES[name](question)]

    def from_udp(self, s, name):
        packet, client = s.recvfrom(4096)
        for each in self.answers(packet, False, name, client[1]):
            send = lambda e=each: self.send(s, e, client)  # noqa: E731
            if each.delay:
                self.late.append((time.monotonic() + each.delay, send))
            else:
                send()

    def send(self, s, packet, client):
        if packet.source == "port":
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.bind((s.getsockname()[0], 0))
                other.sendto(packet.data, client)
        elif packet.source == "address":
            self.elsewhere.sendto(packet.data, client)
        else:
            s.sendto(packet.data, client)

    def from_tcp(self, listener, name):
        client, _ = listener.accept()
        threading.Thread(target=self.serve, args=(client, name), daemon=True).start()

    def serve(self, client, name):
        with client:
            client.settimeout(5)
            try:
                head = client.recv(2, socket.MSG_WAITALL)
                packet = client.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else b""
                for each in self.answers(packet, True, name):
                    time.sleep(each.delay)
                    client.sendall(struct.pack(">H", len(each.data)) + each.data)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.ended = True
        self.thread.join(5)


def random_label():
    return "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))
