"""dns_compare - the same questions to named-lite, NSD and BIND, and each difference explained

    tests/e2e/dns_compare.py [--questions 10000] [--records 1000000] [--verbose]

Eight zones in six kinds: a mail domain, wildcards, delegations (with the child hosted, too), DNAME, a reverse zone with a
/25 of RFC 2317, and a large zone. Each question goes to all three servers over the same transport, and flags, response
code, EDNS and the three sections (as sets, names without regard to case) are compared. A difference that no row of REASONS explains is printed and
makes the exit status 1. docs/answers.md says why each row is as it is.
"""

import argparse
import collections
import os
import random
import sys
import tempfile

import dns_peers
from dns_wire import AA, CD, Edns, Message, QR, RA, RD, TC, ask, name_text, question, wire_name
from names_test import NameServer
from umaya_instance import wait_for

MAIL = """$TTL 3600
@ SOA ns1 hostmaster 7 3600 900 604800 300
@ NS ns1
@ NS ns2.wild.test.
@ NS ns.elsewhere.example.
@ MX 10 mail
@ MX 20 Backup.Mail
@ MX 30 mx.wild.test.
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "ca.example"
@ A 192.0.2.80
@ AAAA 2001:db8::80
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
mail A 192.0.2.2
mail A 192.0.2.3
mail AAAA 2001:db8::2
Backup.Mail A 192.0.2.4
www CNAME @
web CNAME www
chain CNAME web
smtp CNAME mail
imap CNAME mail
autoconfig CNAME host.wild.test.
outside CNAME www.elsewhere.example.
dangling CNAME nowhere
loop1 CNAME loop2
loop2 CNAME loop3
loop3 CNAME loop1
self CNAME self
into CNAME x.deleg.test.
viadname CNAME h.d.dname.test.
_submission._tcp SRV 0 1 587 mail
_imaps._tcp SRV 0 1 993 imap2
_imaps._tcp SRV 10 1 993 mail
_pop3s._tcp SRV 0 0 0 .
imap2 A 192.0.2.5
_25._tcp.mail TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
_dmarc TXT "v=DMARC1; p=reject"
sel._domainkey TXT "v=DKIM1; k=rsa; p=" "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"
null MX 0 .
lists MX 10 mail
lists A 192.0.2.6
mxalias MX 5 smtp
mxmissing MX 5 gone
unknown TYPE65280 \\# 3 010203
info HINFO "pc" "linux"
person RP hostmaster info
afs AFSDB 1 mail
kx KX 10 mail
rt RT 10 mail
naptr NAPTR 10 10 "s" "SIP+D2U" "" _submission._tcp
naptr2 NAPTR 10 10 "a" "SIP+D2U" "" mail
svc SVCB 1 mail alpn=h2
svc2 HTTPS 1 . alpn=h2
svc2 A 192.0.2.7
big TXT "{x}"
big TXT "{y}"
big TXT "{z}"
many MX 10 m1.many
m1.many A 192.0.2.8
sp\\032ace A 192.0.2.12
dot\\.ted A 192.0.2.13
nul\\000l A 192.0.2.14
UPPER.Case A 192.0.2.15
wks A 192.0.2.16
key TYPE256 \\# 6 000a00016162
a.b.c.deep A 192.0.2.17
""".format(x="x" * 250, y="y" * 250, z="z" * 250) + "".join(
    f"many MX {10 + i} m{i + 2}.many\nm{i + 2}.many A 198.51.100.{i}\nm{i + 2}.many AAAA 2001:db8:1::{i}\n" for i in range(25)) + "".join(
    f"crowd A 10.1.{i // 250}.{i % 250 + 1}\n" for i in range(80))

WILD = """$TTL 300
@ SOA ns2 hostmaster 1 3600 900 604800 60
@ NS ns2
@ NS ns1.mail.test.
ns2 A 192.0.2.21
mx A 192.0.2.22
host A 192.0.2.23
* MX 10 mx
* TXT "any"
*.a A 192.0.2.24
b.a TXT "hides"
c.b.a A 192.0.2.25
*.x.ent CNAME host
y.x.ent A 192.0.2.26
sub.*.mid A 192.0.2.27
*.mid TXT "middle"
*.empty.mid TXT "m"
one.two.*.star A 192.0.2.28
*.cn CNAME t.a
*.loop CNAME z.loop
*.mx MX 10 q.mx
*.mx A 192.0.2.29
*.out CNAME away.elsewhere.example.
*.srv SRV 1 2 3 mx
deleg.w NS ns.deleg.w
ns.deleg.w A 192.0.2.30
*.w A 192.0.2.31
*.aaaa AAAA 2001:db8::31
*.long.wild TXT "l"
"""

DELEG = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
@ NS ns2
ns1 A 192.0.2.41
ns2 A 192.0.2.42
ns2 AAAA 2001:db8::42
sub NS ns.sub
sub NS ns1
sub MX 10 occluded
ns.sub A 192.0.2.43
ns.sub AAAA 2001:db8::43
occluded.sub A 192.0.2.44
secure NS ns.secure
secure DS 12345 8 2 49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC49FD46E6C4B45C55D4AC0011
ns.secure A 192.0.2.45
noglue NS ns.elsewhere.example.
mixed NS ns.elsewhere.example.
mixed NS ns.mixed
mixed NS ns.sub
ns.mixed A 192.0.2.46
below.cut.sub NS ns.below
child NS ns.child
child NS ns1
ns.child A 192.0.2.47
a.b.ent NS ns1
many NS n1.many
n1.many A 192.0.2.51
n1.many AAAA 2001:db8::51
self NS self
self A 192.0.2.48
wide NS ns.wide.mail.test.
under NS ns1.mail.test.
cn CNAME host.sub
cn2 CNAME w.child
host A 192.0.2.49
""" + "".join(f"many NS n{i}.many\nn{i}.many A 198.51.101.{i}\nn{i}.many AAAA 2001:db8:2::{i}\n" for i in range(2, 13))

CHILD = """$TTL 600
@ SOA ns hostmaster 1 3600 900 604800 60
@ NS ns
@ NS ns1.deleg.test.
ns A 192.0.2.47
w A 192.0.2.99
@ A 192.0.2.98
x.y CNAME w
up CNAME host.deleg.test.
"""

DNAME = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
ns1 A 192.0.2.61
d DNAME t
d A 192.0.2.62
d MX 10 h.d
h.t A 192.0.2.63
i.t CNAME h.t
self DNAME self
grow DNAME x.grow
loop1 DNAME loop2
loop2 DNAME loop1
far DNAME a.very.long.name.that.goes.on.and.on.so.that.something.is.too.long.in.elsewhere.example.
other DNAME mail.test
other2 DNAME mail.test.
chain1 DNAME chain2
chain2 DNAME t
alias CNAME h.d
cut NS ns.cut
ns.cut A 192.0.2.64
ent.of.some A 192.0.2.65
into DNAME sub.deleg.test.
missing DNAME nowhere
"""

# Data below a DNAME or a cut: NSD refuses such a zone.
OCCLUDED = """$TTL 600
@ SOA ns1 hostmaster 1 3600 900 604800 60
@ NS ns1
ns1 A 192.0.2.61
d DNAME t
h.d TXT "occluded"
cut.d NS ns1
h.t A 192.0.2.63
sub NS ns1
x.sub DNAME t
y.sub CNAME ns1
*.sub A 192.0.2.66
both NS ns1
both DNAME t
b.both A 192.0.2.67
*.wd DNAME t
"""

REVERSE = """$TTL 3600
@ SOA ns1.mail.test. hostmaster.mail.test. 1 3600 900 604800 300
@ NS ns1.mail.test.
@ NS ns2.wild.test.
0/25 NS ns1.mail.test.
0/25 NS ns.0/25
ns.0/25 A 192.0.2.1
128/25 NS ns.elsewhere.example.
""" + "".join(f"{i} CNAME {i}.0/25\n" for i in range(1, 127)) + "".join(f"{i} CNAME {i}.128/25\n" for i in range(129, 140)) + \
    "".join(f"{i} PTR host{i}.mail.test.\n" for i in range(200, 220))

CLASSLESS = """$TTL 3600
@ SOA ns1.mail.test. hostmaster.mail.test. 1 3600 900 604800 300
@ NS ns1.mail.test.
@ NS ns
ns A 192.0.2.1
""" + "".join(f"{i} PTR host{i}.mail.test.\n" for i in range(1, 100))

TLD = """$TTL 3600
@ SOA ns1.mail.test. hostmaster 1 3600 900 604800 300
@ NS ns1.mail.test.
"""


def big(records):
    """A zone of hosts with an address, a second one or an MX, and delegations: about as many records as asked for."""
    head = "$TTL 3600\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\n@ NS ns2\nns1 A 192.0.2.91\nns2 A 192.0.2.92\n"
    lines = []
    for i in range(records // 4):
        lines.append(f"h{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\nh{i} MX 10 h{i + 1}\n"
                     f"d{i} NS ns.d{i}\nns.d{i} A 172.16.{i >> 8 & 255}.{i & 255}\n")
    return head + "".join(lines)


def zones(records):
    return {"mail.test": MAIL, "wild.test": WILD, "deleg.test": DELEG, "child.deleg.test": CHILD, "dname.test": DNAME, "occluded.test": OCCLUDED,
            "2.0.192.in-addr.arpa": REVERSE, "0/25.2.0.192.in-addr.arpa": CLASSLESS, "big.test": big(records)}


Asked = collections.namedtuple("Asked", "name type flags edns cls tcp")


class Questions:
    """A fixed stream of questions about the zones: names that are there, near them, below, above and elsewhere."""

    def __init__(self, texts, seed=1):
        self.random = random.Random(seed)
        self.names = []
        for zone, text in texts.items():
            apex = [label.encode() for label in zone.split(".")]
            owners = {line.split()[0] for line in text.splitlines()[1:200000] if line and not line.startswith("$")}
            names = []
            for owner in sorted(owners):
                wire = wire_name("" if owner == "@" else owner)
                labels, at = [], 0
                while wire[at]:
                    labels.append(wire[at + 1:at + 1 + wire[at]])
                    at += 1 + wire[at]
                names.append(labels + apex)
            self.names.append((apex, names))

    def name(self):
        r = self.random
        apex, names = r.choice(self.names)
        name = list(r.choice(names))
        chance = r.random()
        if chance < 0.12:
            name = [r.choice([b"x", b"*", b"nope", b"zz", b"a", b"h", b"\0", b"l" * 63])] + name
        elif chance < 0.18:
            name = [b"p", b"q"] + name
        elif chance < 0.26 and len(name) > len(apex):
            name = name[1:]
        elif chance < 0.32 and len(name) > len(apex):
            name[0] = r.choice([b"other", b"*", b"0", name[0] + b"x"])
        elif chance < 0.34:
            name = apex
        elif chance < 0.35:
            name = [r.choice([b"www", b"com", b"example"])] + apex[1:]
        elif chance < 0.36:
            name = [b"l" * 60, b"m" * 60, b"n" * 30] + name
        if r.random() < 0.1:
            name = [bytes(c ^ 0x20 if chr(c).isalpha() and r.random() < 0.5 else c for c in label) for label in name]
        return name if sum(len(label) + 1 for label in name) < 255 else apex

    def next(self):
        r = self.random
        kind = r.choice(["A"] * 8 + ["MX"] * 4 + ["AAAA"] * 3 + ["NS"] * 3 + ["TXT"] * 2 + ["CNAME"] * 2 + ["DS", "DS", "SOA", "PTR",
                        "DNAME", "SRV", "ANY", "HTTPS", "SVCB", "NAPTR", "AFSDB", "KX", "RT", "TLSA", "CAA", "TYPE65280", "HINFO", "RP",
                        "RRSIG", "DNSKEY", "NSEC", "TYPE777"])
        cls = 1
        chance = r.random()
        if chance < 0.005:
            kind = r.choice(["OPT", "TSIG", "MAILB", "MAILA", "TYPE0", "TYPE130", "TYPE65535", "AXFR"])
        elif chance < 0.01:
            cls = r.choice([2, 3, 4, 254, 255])
        flags = (RD if r.random() < 0.5 else 0) | (CD if r.random() < 0.05 else 0)
        edns = None
        if r.random() < 0.6:
            options = [(65001, b"abc")] if r.random() < 0.1 else []
            edns = Edns(r.choice([0, 512, 1000, 1232, 1232, 4096]), r.choice([0, 0x8000]), 1 if r.random() < 0.01 else 0, options)
        return Asked(self.name(), kind, flags, edns, cls, r.random() < 0.15)


def describe(asked):
    return (f"{name_text(asked.name)} {asked.type}{f' class {asked.cls}' if asked.cls != 1 else ''}"
            f"{' rd' if asked.flags & RD else ''}{' tcp' if asked.tcp else ''}{f' {asked.edns}' if asked.edns else ''}")


def send(port, asked):
    packet = question(asked.name, asked.type, asked.flags, asked.edns, asked.cls)
    answer = ask(port, packet, asked.tcp)
    return Message(answer) if answer else None


def differences(asked, ours, theirs):
    """What differs: a set of words."""
    if ours is None or theirs is None:
        return {"silence"} if ours is not theirs else set()
    found = set()
    for word, bit in (("QR", QR), ("AA", AA), ("TC", TC), ("RD", RD), ("RA", RA), ("CD", CD)):
        if (ours.flags ^ theirs.flags) & bit:
            found.add(word)
    if ours.rcode != theirs.rcode:
        found.add("rcode")
    if bool(ours.edns) != bool(theirs.edns) or (ours.edns and theirs.edns and (
            (ours.edns.flags ^ theirs.edns.flags) & 0x8000 or ours.edns.version != theirs.edns.version)):
        found.add("edns")
    if ours.questions != theirs.questions:
        found.add("question")
    for word, mine, other in zip(("answer", "authority", "additional"), ours.sections, theirs.sections):
        if len(set(mine)) != len(mine):
            found.add("repeated record of ours")
        if set(mine) != set(other):
            found.add(word)
    return found


# Differences that are meant. Each has its line in docs/answers.md; `fits` is told the question, our answer, the other
# one, and what differs.
Reason = collections.namedtuple("Reason", "name peers fits")
ZONE_NAMES = [tuple(label.encode() for label in zone.split(".")) for zone in zones(0)]
META = {"OPT", "TSIG", "MAILB", "MAILA", "TYPE0", "TYPE130", "AXFR"}
BESIDE = {"authority", "additional"}


def zone_of(name):
    fitting = [zone for zone in ZONE_NAMES if name[-len(zone):] == zone]
    return max(fitting, key=len, default=None)


def stops_at_border(asked, ours, theirs, found):
    """The other answer is the beginning of ours and ends with an alias out of its zone."""
    last = [each for each in theirs.sections[0] if each[1] == 5]
    here, there = set(theirs.sections[0]), set(ours.sections[0])
    chain = {each[0]: each[4][1] for each in last}
    ends = [target for target in chain.values() if target not in chain]
    return (here <= there and len(ends) == 1 and zone_of(ends[0]) is not None and theirs.rcode == 0
            and zone_of(ends[0]) != zone_of(tuple(label.lower() for label in asked.name)))


def is_referral(answer):
    """A referral, perhaps behind an alias."""
    if any(each[1] == 6 for each in answer.sections[1]) or not answer.sections[1]:
        return False
    return not answer.flags & AA or all(each[1] in (5, 39) for each in answer.sections[0])


def only_less(theirs, ours, sections=(1, 2)):
    return all(set(theirs.sections[i]) <= set(ours.sections[i]) for i in sections)


def without_unneeded_glue(asked, ours, theirs, found):
    cut = ours.sections[1][0][0] if ours.sections[1] else ()
    more = set(ours.sections[2]) - set(theirs.sections[2])
    return is_referral(ours) and only_less(theirs, ours) and all(each[0][-len(cut):] != cut for each in more)


def tlsa_beside(asked, ours, theirs, found):
    return only_less(ours, theirs) and all(each[1] == 52 for each in set(theirs.sections[2]) - set(ours.sections[2]))


def same_but_ttl(ours, theirs):
    strip = lambda section: {each[:3] + each[4:] for each in section}
    return strip(ours.sections[1]) == strip(theirs.sections[1])


def leads_below_itself(asked, ours, theirs, found):
    dnames = [each for each in ours.sections[0] + theirs.sections[0] if each[1] == 39]
    return any(each[4][1][-len(each[0]):] == each[0] for each in dnames)


def which_find_room(asked, ours, theirs, found):
    """Both have addresses up to the limit, of other names because the sets are turned."""
    limit = min(asked.edns.size, 1232) if asked.edns and asked.edns.size > 512 else 512
    crowded = max(len(ours.packet), len(theirs.packet)) > limit - 60 or len({each[0] for each in ours.sections[2]}) >= 13
    return crowded and ours.sections[2] and ours.rcode == theirs.rcode


REASONS = [
    Reason("aliases lead into other zones", {"BIND"}, lambda a, o, t, f: stops_at_border(a, o, t, f)),
    Reason("a loop of aliases is no failure", {"BIND"}, lambda a, o, t, f: t.rcode == 2 and o.rcode == 0
           and any(each[1] == 5 for each in t.sections[0])),
    Reason("a DNAME that leads below itself is followed once", {"BIND", "NSD"}, leads_below_itself),
    Reason("EDNS with 512 octets gets what is beside", {"BIND"}, lambda a, o, t, f: a.edns and a.edns.size <= 512 and not a.tcp
           and f <= BESIDE and not t.sections[1] and only_less(t, o)),
    Reason("a referral brings addresses of servers elsewhere in the zone", {"BIND"}, without_unneeded_glue),
    Reason("MX has no TLSA beside it", {"BIND"}, lambda a, o, t, f: f == {"additional"} and tlsa_beside(a, o, t, f)),
    Reason("SOA keeps its TTL in negative answers to SOA", {"BIND"}, lambda a, o, t, f: a.type == "SOA" and f == {"authority"}
           and same_but_ttl(o, t)),
    Reason("RRSIG and NSEC follow aliases", {"BIND"}, lambda a, o, t, f: a.type in ("RRSIG", "NSEC") and not t.sections[0]
           and any(each[1] == 5 for each in o.sections[0])),
    Reason("ANY gets one set", {"BIND", "NSD"}, lambda a, o, t, f: a.type == "ANY"
           and (o.sections[0] and "rcode" not in f or t.flags & TC and not any(t.sections))),
    Reason("ANY has nothing beside it", {"BIND"}, lambda a, o, t, f: a.type == "ANY" and f <= BESIDE and not o.sections[1]),
    Reason("ANY ends at the alias of a DNAME", {"NSD"}, lambda a, o, t, f: a.type == "ANY" and any(e[1] == 39 for e in o.sections[0])),
    Reason("classes and types that are no data are errors", {"BIND", "NSD"}, lambda a, o, t, f: (a.type in META or a.cls != 1)
           and o.rcode in (1, 4, 5) and not any(o.sections)),
    Reason("a referral without all its glue has TC", {"BIND", "NSD"}, lambda a, o, t, f: f <= {"TC", "additional"}
           and is_referral(o) and o.flags & TC and not t.flags & TC),
    Reason("what remains beside TC", {"BIND", "NSD"}, lambda a, o, t, f: o.flags & TC and t.flags & TC and f <= BESIDE | {"answer", "rcode"}),
    Reason("no TC for what is beside an answer", {"BIND", "NSD"}, lambda a, o, t, f: t.flags & TC and not o.flags & TC
           and o.sections[0] and f <= BESIDE | {"TC", "answer"}),
    Reason("name servers are left out for who recurses", {"NSD"}, lambda a, o, t, f: a.flags & RD and f <= BESIDE
           and not o.sections[1] and only_less(o, t)),
    Reason("the alias of a DNAME has name servers beside it", {"NSD"}, lambda a, o, t, f: a.type == "CNAME" and f <= BESIDE
           and any(each[1] == 39 for each in o.sections[0])),
    Reason("which addresses find room", {"BIND", "NSD"}, lambda a, o, t, f: f <= BESIDE and which_find_room(a, o, t, f)),
    Reason("DO is copied beside BADVERS", {"NSD"}, lambda a, o, t, f: o.rcode == t.rcode == 16 and f == {"edns"}),
]


# The zones are full of what an administrator should not write.
CHECKS = ("check-names primary ignore; check-mx ignore; check-mx-cname ignore; check-srv-cname ignore; check-integrity no; ")


class ZoneSet:
    """The zone files in one directory."""

    def __init__(self, texts):
        self.directory = tempfile.TemporaryDirectory(prefix="umaya-dns-zones-")
        self.files = {}
        for number, (zone, text) in enumerate(texts.items()):
            self.files[zone] = os.path.join(self.directory.name, f"zone{number}")
            with open(self.files[zone], "w") as f:
                f.write(text)

    def statements(self):
        return "".join(f'zone "{zone}" {{ type primary; file "{path}"; }};\n' for zone, path in self.files.items())


class Ours(NameServer):
    def __init__(self, zone_set, options):
        self.zone_set, self.options = zone_set, options
        super().__init__({})

    def configure(self, zones):
        self.write("named.conf", f'options {{ directory "{self.zone_set.directory.name}"; pid-file none; recursion no; '
                   f"listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; {CHECKS} {self.options} }};\n"
                   + self.zone_set.statements())


class BindOfAll(dns_peers.Bind):
    def __init__(self, zone_set, options):
        super().__init__(zone_set.statements(), options=f"{CHECKS} max-records-per-type 0; {options}")


class NsdOfAll(dns_peers.Peer):
    def __init__(self, zone_set, minimal):
        super().__init__()
        self.write("nsd.conf", f"""server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{zone_set.directory.name}"
  xfrdfile: "{self.path('xfrd.state')}"
  xfrdir: "{self.directory.name}"
  pidfile: "{self.path('nsd.pid')}"
  zonelistfile: "{self.path('zone.list')}"
  database: ""
  server-count: 1
  minimal-responses: {minimal}
  refuse-any: yes
  rrl-ratelimit: 0
  reuseport: no
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{path}"\n' for zone, path in zone_set.files.items()))
        self.launch(dns_peers.program("nsd"), "-d", "-c", self.path("nsd.conf"))


def wait_ready(port, seconds=120):
    """Until the last zone is answered for."""
    wait_for(lambda: (answer := ask(port, question("big.test", "SOA"), seconds=1)) and Message(answer).rcode == 0, seconds, "zones are loaded")


class Comparison:
    def __init__(self, verbose=False):
        self.verbose = verbose
        self.counts = collections.Counter()
        self.explained = collections.Counter()
        self.unexplained = []

    def compare(self, peer, asked, ours, theirs):
        found = differences(asked, ours, theirs)
        self.counts[peer, "asked"] += 1
        if not found:
            self.counts[peer, "same"] += 1
            return
        if peer == "NSD" and "CD" in found:  # NSD never copies it (RFC 4035 3.1.6)
            self.explained[peer, "CD is copied"] += 1
            found.discard("CD")
            if not found:
                return
        for reason in REASONS:
            if peer in reason.peers and reason.fits(asked, ours, theirs, found):
                self.explained[peer, reason.name] += 1
                return
        self.unexplained.append(f"{peer}: {describe(asked)}: {', '.join(sorted(found))}\n"
                                f"ours: {ours.text() if ours else None}\n{peer}: {theirs.text() if theirs else None}")

    def report(self):
        lines = [f"{peer}: {count} asked, {self.counts[peer, 'same']} the same" for (peer, what), count in self.counts.items()
                 if what == "asked"]
        lines += [f"{peer}: {count} explained: {name}" for (peer, name), count in sorted(self.explained.items())]
        shown = self.unexplained if self.verbose else self.unexplained[:20]
        return "\n".join(lines + [f"{len(self.unexplained)} unexplained"] + shown)


def compare(count, records, options="minimal-any yes;", nsd_minimal="no", seed=1, verbose=False):
    """Asks all three servers; gives the Comparison. options: of named.conf, for BIND and us."""
    texts = zones(records)
    zone_set = ZoneSet(texts)
    questions = Questions(texts, seed)
    comparison = Comparison(verbose)
    with Ours(zone_set, options) as ours, BindOfAll(zone_set, options) as bind, NsdOfAll(zone_set, nsd_minimal) as nsd:
        for server in (ours, bind, nsd):
            wait_ready(server.port)
        for _ in range(count):
            asked = questions.next()
            mine = send(ours.port, asked)
            comparison.compare("BIND", asked, mine, send(bind.port, asked))
            if [label.lower() for label in asked.name[-2:]] != [b"occluded", b"test"]:  # not served by NSD
                comparison.compare("NSD", asked, mine, send(nsd.port, asked))
    zone_set.directory.cleanup()
    return comparison


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--questions", type=int, default=10000)
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--options", default="minimal-any yes;")
    parser.add_argument("--verbose", action="store_true", help="show all differences")
    arguments = parser.parse_args()
    dns_peers.fetch()
    comparison = compare(arguments.questions, arguments.records, arguments.options, seed=arguments.seed, verbose=arguments.verbose)
    print(comparison.report())
    sys.exit(1 if comparison.unexplained else 0)


if __name__ == "__main__":
    main()
