"""Sets of files as an administrator of 1998 has them, unchanged: the same answers as BIND gives from the same files."""

import os
import unittest

import dns_peers
from dns_peers import Bind, Peer, dig, program, records
from names_test import PROGRAM
from umaya_instance import wait_for

# Written for BIND 8: type master and slave, a hint zone, statements of one line, blanks and comments of all three kinds.
NAMED_CONF = """/*
 * named.conf of the office
 */
options {
	directory "%(directory)s";
	listen-on port %(port)d { 127.0.0.1; };
	listen-on-v6 { none; };
	pid-file none;	// not as root
	recursion no;
	query-source address *;	# the packet filter lets it through
	notify no;
	allow-transfer { 127.0.0.1; };
};

zone "." { type hint; file "named.root"; };
zone "localhost" { type master; file "localhost.zone"; };
zone "0.0.127.in-addr.arpa" { type master; file "named.local"; };
zone "example.co.jp" IN { type master; file "example.zone"; };
zone "2.0.192.in-addr.arpa" IN {
	type master;
	file "192.0.2.rev";
};
zone "128/25.100.51.198.in-addr.arpa" { type master; file "198.51.100.128.rev"; };
zone "provider.ad.jp" { type slave; file "provider.bak"; masters port %(primary)d { 127.0.0.1; }; };
zone "100.51.198.in-addr.arpa" { type slave; file "198.51.100.bak"; masters port %(primary)d { 127.0.0.1; }; };
"""

SOA = """\
@	IN	SOA	ns.example.co.jp. postmaster.example.co.jp. (
			1998071501	; Serial
			10800		; Refresh 3 hours
			3600		; Retry   1 hour
			604800		; Expire  1 week
			86400 )		; Minimum 24 hours
"""

FILES = {
    "named.root": ".\t\t\t3600000  IN  NS\tA.ROOT-SERVERS.NET.\nA.ROOT-SERVERS.NET.\t3600000\tA\t198.41.0.4\n",
    "localhost.zone": "$TTL 86400\n@ IN SOA @ root ( 42 3H 15M 1W 1D )\n\tIN NS @\n\tIN A 127.0.0.1\n",
    "named.local": "$TTL 86400\n@ IN SOA localhost. root.localhost. ( 1997022700 28800 14400 3600000 86400 )\n"
                   "\tIN\tNS\tlocalhost.\n1\tIN\tPTR\tlocalhost.\n",
    "example.zone": "$TTL 86400\n" + SOA + """\
;
		IN	NS	ns.example.co.jp.
		IN	NS	ns2.provider.ad.jp.
		IN	MX	10 mail.example.co.jp.
		IN	MX	20 mail2.provider.ad.jp.
;
localhost	IN	A	127.0.0.1
ns		IN	A	192.0.2.1
		IN	HINFO	"PC/AT" "BSD/OS 3.1"
mail	86400	IN	A	192.0.2.2
		IN	MX	10 mail
		IN	MX	20 mail2.provider.ad.jp.
www		IN	CNAME	ns
ftp		IN	CNAME	ns
pc1		IN	A	192.0.2.11
pc2		IN	A	192.0.2.12
		IN	MX	10 mail
sales		IN	NS	ns.sales
		IN	NS	ns.example.co.jp.
ns.sales	IN	A	192.0.2.129
lab		IN	NS	ns.lab.elsewhere.ac.jp.
*.dialup	IN	MX	10 mail
""",
    "192.0.2.rev": "$TTL 86400\n" + SOA + "\tIN\tNS\tns.example.co.jp.\n1\tIN\tPTR\tns.example.co.jp.\n"
                   "2\tIN\tPTR\tmail.example.co.jp.\n11\tIN\tPTR\tpc1.example.co.jp.\n12\tIN\tPTR\tpc2.example.co.jp.\n",
    "198.51.100.128.rev": "$TTL 86400\n" + SOA + "\tIN\tNS\tns.example.co.jp.\n129\tIN\tPTR\tgate.example.co.jp.\n"
                          "130\tPTR\tdmz.example.co.jp.\n",
}

PROVIDER = """$TTL 3600
@ IN SOA ns2 hostmaster 1998080101 10800 3600 604800 3600
  IN NS ns2
  IN MX 10 mail2
ns2 IN A 203.0.113.2
mail2 IN A 203.0.113.3
"""
PROVIDER_REVERSE = """$TTL 3600
@ IN SOA ns2.provider.ad.jp. hostmaster.provider.ad.jp. 1998080101 10800 3600 604800 3600
  IN NS ns2.provider.ad.jp.
1 IN PTR router.provider.ad.jp.
128/25 IN NS ns.example.co.jp.
$GENERATE 129-254 $ CNAME $.128/25
"""

QUESTIONS = """example.co.jp SOA
example.co.jp NS
example.co.jp MX
example.co.jp A
EXAMPLE.CO.JP mx
mail.example.co.jp A
mail.example.co.jp MX
www.example.co.jp A
www.example.co.jp CNAME
ftp.example.co.jp MX
ns.example.co.jp HINFO
pc1.example.co.jp MX
pc2.example.co.jp MX
pc3.example.co.jp A
localhost.example.co.jp A
sales.example.co.jp A
host.sales.example.co.jp MX
ns.sales.example.co.jp A
lab.example.co.jp MX
x.dialup.example.co.jp MX
x.y.dialup.example.co.jp MX
x.dialup.example.co.jp A
dialup.example.co.jp MX
localhost A
localhost NS
localhost MX
1.0.0.127.in-addr.arpa PTR
2.0.0.127.in-addr.arpa PTR
0.0.127.in-addr.arpa SOA
1.2.0.192.in-addr.arpa PTR
2.2.0.192.in-addr.arpa PTR
12.2.0.192.in-addr.arpa PTR
13.2.0.192.in-addr.arpa PTR
2.0.192.in-addr.arpa NS
129.128/25.100.51.198.in-addr.arpa PTR
131.128/25.100.51.198.in-addr.arpa PTR
128/25.100.51.198.in-addr.arpa NS
129.100.51.198.in-addr.arpa PTR
130.100.51.198.in-addr.arpa PTR
200.100.51.198.in-addr.arpa PTR
1.100.51.198.in-addr.arpa PTR
5.100.51.198.in-addr.arpa PTR
provider.ad.jp MX
provider.ad.jp SOA
mail2.provider.ad.jp A
nothing.provider.ad.jp A
elsewhere.test A
""".splitlines()
# An alias that leads from one zone of the server into another: BIND without recursion stops at the zone's edge, we go on as
# RFC 1034 4.3.2 says.
ACROSS_ZONES = {"129.100.51.198.in-addr.arpa PTR": "NOERROR", "130.100.51.198.in-addr.arpa PTR": "NOERROR",
                "200.100.51.198.in-addr.arpa PTR": "NXDOMAIN"}

# Name servers of a child zone whose address stands elsewhere in ours: BIND leaves it out of the referral, we do not.
BESIDE_REFERRALS = {question: ["ns.example.co.jp. 86400 in a 192.0.2.1"]
                    for question in ("sales.example.co.jp A", "host.sales.example.co.jp MX", "ns.sales.example.co.jp A")}


class Office(Peer):
    """A server of the office: BIND, or ours, with exactly these files."""

    def __init__(self, command, primary_port):
        super().__init__()
        os.chmod(self.directory.name, 0o755)
        for name, text in FILES.items():
            self.write(name, text)
        self.write("named.conf", NAMED_CONF % {"directory": self.directory.name, "port": self.port, "primary": primary_port})
        self.launch(*command, "-g", "-c", self.path("named.conf"))
        wait_for(lambda: "running" in self.logged() or self.process.poll() is not None, 20, "the office's server runs")
        if self.process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended:\n{self.logged()}")
        self.wait_serial("provider.ad.jp", 1998080101)
        self.wait_serial("100.51.198.in-addr.arpa", 1998080101)


def answer(port, question):
    """Header flags, code and the records of all sections."""
    text = dig(port, "+norec", "+nocookie", "+nostats", "+nocmd", *question.split())
    head = [line for line in text.splitlines() if "status:" in line or "flags:" in line and "EDNS" not in line]
    status = head[0].split("status: ")[1].split(",")[0]
    flags = head[1].split("flags: ")[1].split(";")[0].split()
    sections, name = {}, None
    for line in text.splitlines():
        if line.endswith("SECTION:"):
            name = line.split()[1]
        elif line and not line.startswith(";") and name:
            sections.setdefault(name, []).append(line)
    return {"status": status, "flags": sorted(flags),
            **{name: records("\n".join(lines)) for name, lines in sections.items()}}


class Samples1998(dns_peers.WithPeers):
    def test_the_office_of_1998_answers_as_with_bind(self):
        zones = "".join(f'zone "{name}" {{ type primary; file "{file}"; allow-transfer {{ any; }}; }};\n'
                        for name, file in (("provider.ad.jp", "p"), ("100.51.198.in-addr.arpa", "r")))
        with Bind(zones, {"p": PROVIDER, "r": PROVIDER_REVERSE}) as primary, \
                Office([PROGRAM], primary.port) as ours, Office([program("named")], primary.port) as bind:
            for question in QUESTIONS:
                with self.subTest(question):
                    mine, theirs = answer(ours.port, question), answer(bind.port, question)
                    if question in ACROSS_ZONES:
                        self.assertLess(set(theirs["ANSWER"]), set(mine["ANSWER"]) | set(mine["AUTHORITY"]))
                        self.assertEqual(mine["status"], ACROSS_ZONES[question])
                    else:
                        more = BESIDE_REFERRALS.get(question, [])
                        if more:
                            theirs["ADDITIONAL"] = sorted(theirs["ADDITIONAL"] + more)
                        self.assertEqual(mine, theirs)
            # What counts for mail, in so many words.
            self.assertEqual(answer(ours.port, "example.co.jp MX")["ANSWER"],
                             ["example.co.jp. 86400 in mx 10 mail.example.co.jp.",
                              "example.co.jp. 86400 in mx 20 mail2.provider.ad.jp."])
            self.assertEqual(answer(ours.port, "129.100.51.198.in-addr.arpa PTR")["ANSWER"],
                             ["129.100.51.198.in-addr.arpa. 3600 in cname 129.128/25.100.51.198.in-addr.arpa.",
                              "129.128/25.100.51.198.in-addr.arpa. 86400 in ptr gate.example.co.jp."])
            for server in (ours, bind):
                transfer = dig(server.port, "example.co.jp", "AXFR", "+noall", "+answer")
                self.assertEqual(len(records(transfer)), 22, transfer)


if __name__ == "__main__":
    unittest.main()
