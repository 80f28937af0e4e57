"""dns_compare - the same questions to named-lite, NSD and BIND, and each difference explained

    tests/e2e/dns_compare.py [--questions 10000] [--records 1000000] [--verbose]

Nine zones in six kinds: a mail domain, wildcards, delegations (with the child hosted, too), DNAME, a reverse zone with a
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
from dns_compare_zones import zones
from dns_wire import AA, CD, Edns, Message, QR, RA, RD, TC, ask, name_text, question, wire_name
from names_test import NameServer
from umaya_instance import wait_for

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
    answer = ask(port, packet, asked.tcp) or ask(port, packet, asked.tcp)  # what is lost is asked again
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
        for reason in () if "silence" in found else REASONS:
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
