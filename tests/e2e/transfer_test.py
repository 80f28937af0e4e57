"""Zones between named-lite and other servers, in both directions: BIND, NSD, Knot, and dig."""

import os
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

import dns_peers
from dns_peers import Bind, Knot, Nsd, dig, records
from names_test import NameServer
from umaya_instance import free_port, wait_for

SECRET = "c2VjcmV0IG9mIGJvdGggc2lkZXM="
KEY = f'key "xfer" {{ algorithm {{}}; secret "{SECRET}"; }};\n'.replace("{}", "%s")
ZONE = """$TTL 3600
@ SOA ns1 hostmaster 7 3600 900 604800 60
@ NS ns1
@ NS ns.elsewhere.test.
@ MX 10 mail
short 300 A 192.0.2.5
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
        self.algorithm, self.allow, self.extra_zone = algorithm, allow, "notify no;"
        super().__init__({"ex.test": zone})

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        text = text.replace('file "ex.test";', f'file "ex.test"; allow-transfer {{ {self.allow}; }}; {self.extra_zone}')
        self.write("named.conf", KEY % self.algorithm + text)


class Transfers(dns_peers.WithPeers):
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
                         ["ex.test. 3600 in mx 10 mail.ex.test.", "ex.test. 3600 in mx 20 backup.mail.ex.test."])
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


class Secondary(NameServer):
    """named-lite with one secondary zone."""

    def __init__(self, port, key="key xfer", algorithm="hmac-sha256", saved=None, more=""):
        self.primary, self.key, self.algorithm, self.more = port, key, algorithm, more
        super().__init__({"ex.test": saved} if saved else {})

    def configure(self, zones):
        super().configure({})
        with open(self.path("named.conf")) as f:
            text = f.read()
        self.write("named.conf", KEY % self.algorithm + text +
                   f'zone "ex.test" {{ type secondary; primaries {{ 127.0.0.1 port {self.primary} {self.key}; }}; '
                   f'file "ex.test"; {self.more} }};\n')

    def serial(self):
        found = re.search(r"SOA\s+\S+\s+\S+\s+(\d+)", dig(self.port, "ex.test", "SOA", "+noall", "+answer"))
        return int(found.group(1)) if found else None

    def wait_serial(self, serial, seconds=20):
        wait_for(lambda: self.serial() == serial, seconds, f"serial {serial}; log:\n{self.logged()}")


def short(serial, refresh=3600, retry=900, expire=604800):
    return f"$TTL 60\n@ SOA ns1 hostmaster {serial} {refresh} {retry} {expire} 60\n@ NS ns1\nns1 A 192.0.2.1\nwww A 192.0.2.{serial}\n"


class Secondaries(dns_peers.WithPeers):
    def check_copy(self, ours, primary):
        ours.wait_serial(7)
        mine = dig(ours.port, "ex.test", "MX", "+noall", "+answer")
        self.assertEqual(records(mine), records(dig(primary.port, "ex.test", "MX", "+noall", "+answer")))
        wait_for(lambda: os.path.exists(ours.path("ex.test")), 5, "the zone is saved")
        checked = subprocess.run([dns_peers.program("named-checkzone"), "-k", "ignore", "ex.test", ours.path("ex.test")],
                                 env=dns_peers.environment(), capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        with open(ours.path("ex.test")) as f:
            self.assertGreater(len(f.readlines()), 6000)

    def test_we_are_a_secondary_of_bind(self):
        with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { key xfer; }; };', {"z": ZONE},
                  KEY % "hmac-sha256") as bind, Secondary(bind.port) as ours:
            self.check_copy(ours, bind)

    def test_we_are_a_secondary_of_nsd(self):
        with Nsd("ex.test", 0, "xfer", "hmac-sha512", SECRET, ZONE) as nsd:
            nsd.wait_serial("ex.test", 7)
            with Secondary(nsd.port, algorithm="hmac-sha512") as ours:
                self.check_copy(ours, nsd)

    def test_we_are_a_secondary_of_knot(self):
        with Knot("ex.test", 0, "xfer", "hmac-sha384", SECRET, ZONE) as knot:
            knot.wait_serial("ex.test", 7)
            with Secondary(knot.port, algorithm="hmac-sha384") as ours:
                self.check_copy(ours, knot)

    def test_a_wrong_key_gets_no_zone_and_says_why(self):
        with Server(zone=short(1)) as primary:
            with Secondary(primary.port, key="") as ours:
                wait_for(lambda: "REFUSED" in ours.logged(), 10, "the refusal is logged")
                self.assertIn("SERVFAIL", dig(ours.port, "ex.test", "SOA"))

    def test_notify_brings_a_new_serial_at_once(self):
        with Server(zone=short(1)) as primary, Secondary(primary.port) as ours:
            ours.wait_serial(1)
            primary.extra_zone = f"notify-delay 0; also-notify {{ 127.0.0.1 port {ours.port} key xfer; }};"
            primary.configure({"ex.test": ""})
            primary.write("ex.test", short(2))
            primary.reload()
            ours.wait_serial(2, 10)
            self.assertIn("192.0.2.2", dig(ours.port, "www.ex.test", "A", "+short"))
            wait_for(lambda: "answered" in primary.logged(), 10, "the NOTIFY is answered")
            # Backwards is no news: the serial that we have is higher.
            primary.write("ex.test", short(1))
            primary.reload()
            wait_for(lambda: "our serial 2 is higher" in ours.logged(), 10, "the lower serial is logged")
            self.assertEqual(ours.serial(), 2)

    def test_bind_and_ours_notify_one_another(self):
        with Server(zone=short(1)) as primary:
            with Bind(f'zone "ex.test" {{ type secondary; primaries {{ 127.0.0.1 port {primary.port} key xfer; }}; '
                      'allow-notify { 127.0.0.1; }; };', keys=KEY % "hmac-sha256") as bind:
                bind.wait_serial("ex.test", 1)
                primary.extra_zone = f"also-notify {{ 127.0.0.1 port {bind.port}; }};"
                primary.configure({"ex.test": ""})
                primary.write("ex.test", short(2))
                primary.reload()
                bind.wait_serial("ex.test", 2, 10)
        with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { any; }; notify explicit; also-notify { 127.0.0.1 port '
                  '%d; }; };' % (port := free_port()), {"z": short(1)}, KEY % "hmac-sha256") as bind:
            with Secondary(bind.port, key="") as ours:
                ours.wait_serial(1)
                bind.write("z", short(2))
                # BIND sends to the port that was free before: move there.
                with open(ours.path("named.conf")) as f:
                    text = f.read()
                text = text.replace(f"port {ours.port} {{ 127.0.0.1; }}", f"port {port} {{ 127.0.0.1; }}")
                ours.process.terminate()
                ours.process.wait(10)
                ours.write("named.conf", text)
                ours.port = port
                ours.start()
                ours.wait_serial(1)
                bind.process.send_signal(signal.SIGHUP)
                ours.wait_serial(2, 10)

    def test_a_chain_of_secondaries_passes_a_change_on(self):
        with Server(zone=short(1)) as primary:
            middle = Secondary(primary.port, more="allow-transfer { key xfer; };")
            with middle, Secondary(middle.port) as last:
                last.wait_serial(1, 10)  # also when the middle one had no data when it was asked first
                primary.extra_zone = f"also-notify {{ 127.0.0.1 port {middle.port} key xfer; }};"
                primary.configure({"ex.test": ""})
                middle.more += f" also-notify {{ 127.0.0.1 port {last.port} key xfer; }};"
                middle.configure({})
                middle.reload()
                primary.write("ex.test", short(2))
                primary.reload()
                last.wait_serial(2, 15)

    def test_a_zone_without_data_is_asked_for_again_soon(self):
        port = free_port()
        with Secondary(port) as ours:
            wait_for(lambda: "refresh from" in ours.logged(), 5, "nobody is there")
            with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { any; }; notify no; };', {"z": short(3)},
                      KEY % "hmac-sha256", port=port):
                ours.wait_serial(3, 12)

    def test_a_saved_zone_is_served_while_no_primary_is_there(self):
        with Secondary(free_port(), saved=short(5)) as ours:
            ours.wait_serial(5, 5)
            self.assertIn("saved serial 5", ours.logged())

    def test_D22_a_saved_zone_that_has_expired_is_servfail(self):
        with Secondary(free_port(), saved=short(5, expire=30)) as ours:
            ours.wait_serial(5, 5)
            ours.process.terminate()
            ours.process.wait(10)
            os.utime(ours.path("ex.test"), (time.time() - 60, time.time() - 60))
            ours.start()
            wait_for(lambda: "expired" in ours.logged(), 10, "the zone expires")
            self.assertIn("SERVFAIL", dig(ours.port, "ex.test", "SOA"))

    def test_D21_a_notify_of_strangers_or_for_other_zones_is_refused(self):
        with Server(zone=short(1)) as primary, Secondary(primary.port, key="key xfer") as ours:
            ours.wait_serial(1)

            def notify(zone):
                labels = b"".join(bytes([len(x)]) + x.encode() for x in zone.split(".")) + b"\0"
                packet = struct.pack(">HHHHHH", 7, 0x2400, 1, 0, 0, 0) + labels + struct.pack(">HH", 6, 1)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.settimeout(5)
                    s.sendto(packet, ("127.0.0.1", ours.port))
                    return s.recv(512)[3] & 15

            self.assertEqual(notify("ex.test"), 5)  # without the primary's key
            self.assertEqual(notify("other.test"), 9)


if __name__ == "__main__":
    unittest.main()
