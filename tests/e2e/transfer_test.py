"""Zones from named-lite to other servers: BIND, NSD, Knot, and dig."""

import subprocess
import unittest

import dns_peers
from dns_peers import Bind, Knot, Nsd, dig, records
from names_test import NameServer

SECRET = "c2VjcmV0IG9mIGJvdGggc2lkZXM="
KEY = f'key "xfer" {{ algorithm {{}}; secret "{SECRET}"; }};\n'.replace("{}", "%s")
ZONE = """$TTL 3600
@ SOA ns1 hostmaster 7 3600 900 604800 60
@ NS ns1
@ NS ns.elsewhere.test.
@ 300 MX 10 mail
@ MX 20 backup.mail
@ TXT "v=spf1 mx -all" "two"
ns1 A 192.0.2.1
    AAAA 2001:db8::1
mail A 192.0.2.2
backup.mail A 192.0.2.3
*.wild MX 10 mail
www CNAME mail
sub NS ns.sub
ns.sub A 192.0.2.9
old DNAME new
_submission._tcp SRV 0 1 587 mail
mail CAA 0 issue "ca.test"
_25._tcp.mail TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
unknown TYPE65280 \\# 3 010203
""" + "".join(f"host{i}.net{i % 50} A 10.0.{i // 250}.{i % 250 + 1}\n    MX 5 mail.net{i % 50}\n" for i in range(3000))


class Server(NameServer):
    """named-lite with one zone that key xfer may transfer."""

    def __init__(self, algorithm="hmac-sha256", zone=ZONE, allow="key xfer"):
        self.algorithm, self.allow = algorithm, allow
        super().__init__({"ex.test": zone})

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        text = text.replace('file "ex.test";', f'file "ex.test"; allow-transfer {{ {self.allow}; }};')
        self.write("named.conf", KEY % self.algorithm + text)


class Transfers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            dns_peers.fetch()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the peers cannot be fetched: {error}") from error

    def test_dig_gets_the_same_zone_from_us_and_from_bind(self):
        with Server(allow="127.0.0.1") as ours, Bind('zone "ex.test" { type primary; file "z"; allow-transfer { any; }; };',
                                                     {"z": ZONE}) as bind:
            mine = dig(ours.port, "ex.test", "AXFR", "+noall", "+answer")
            theirs = dig(bind.port, "ex.test", "AXFR", "+noall", "+answer")
            self.assertGreater(len(records(mine)), 6000)
            self.assertEqual(records(mine), records(theirs))
            soa = dig(ours.port, "ex.test", "IXFR=7", "+noall", "+answer")
            self.assertEqual(len(records(soa)), 1, soa)
            self.assertEqual(records(dig(ours.port, "ex.test", "IXFR=6", "+noall", "+answer")), records(mine))

    def test_D24_every_algorithm_is_understood_by_dig(self):
        for algorithm in ("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512",
                          "hmac-sha256-128"):
            with self.subTest(algorithm), Server(algorithm) as ours:
                text = dig(ours.port, "-y", f"{algorithm}:xfer:{SECRET}", "ex.test", "AXFR")
                self.assertIn("XFR size", text)
                self.assertNotIn("verify", text)
                text = dig(ours.port, "-y", f"{algorithm}:xfer:{SECRET}", "ex.test", "MX")
                self.assertIn("status: NOERROR", text)
                self.assertIn("TSIG", text)
                self.assertNotIn("verify", text)

    def test_D19_without_the_key_there_is_no_transfer(self):
        with Server() as ours:
            self.assertIn("Transfer failed", dig(ours.port, "ex.test", "AXFR"))
            self.assertIn("Transfer failed", dig(ours.port, "-y", "hmac-sha256:xfer:YW5vdGhlcg==", "ex.test", "AXFR"))
            self.assertIn("NOTAUTH", dig(ours.port, "-y", "hmac-sha256:xfer:YW5vdGhlcg==", "ex.test", "MX"))
            self.assertIn("NOTAUTH", dig(ours.port, "-y", f"hmac-sha256:other:{SECRET}", "ex.test", "MX"))

    def check_secondary(self, peer):
        peer.wait_serial("ex.test", 7)
        self.assertEqual(records(dig(peer.port, "ex.test", "MX", "+noall", "+answer")),
                         ["ex.test. 300 in mx 10 mail.ex.test.", "ex.test. 300 in mx 20 backup.mail.ex.test."])
        self.assertIn("10.0.11.250", dig(peer.port, "host2999.net49.ex.test", "A"))

    def test_bind_is_a_secondary_of_ours(self):
        with Server() as ours, Bind(
                f'zone "ex.test" {{ type secondary; primaries {{ 127.0.0.1 port {ours.port} key xfer; }}; }};',
                keys=KEY % "hmac-sha256") as bind:
            self.check_secondary(bind)

    def test_nsd_is_a_secondary_of_ours(self):
        with Server("hmac-sha512") as ours, Nsd("ex.test", ours.port, "xfer", "hmac-sha512", SECRET) as nsd:
            self.check_secondary(nsd)

    def test_knot_is_a_secondary_of_ours(self):
        with Server("hmac-sha384") as ours, Knot("ex.test", ours.port, "xfer", "hmac-sha384", SECRET) as knot:
            self.check_secondary(knot)


if __name__ == "__main__":
    unittest.main()
