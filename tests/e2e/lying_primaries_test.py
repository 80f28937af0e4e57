"""Primaries that lie, and NOTIFYs of those who are none."""

import socket
import struct
import time
import unittest

import dns_peers
from dns_peers import dig
from dns_wire import ask, read_tcp, wire_name
from fake_primary import NS, FakePrimary, a, notify, soa
from transfer_test import Secondary
from umaya_instance import PATIENCE, wait_for


class LyingPrimaries(dns_peers.WithPeers):
    """D22: what comes broken by IXFR is thrown away, and the whole zone is fetched; when that is broken, too, the old
    zone stays and nobody asks again before the retry time."""

    BROKEN = {
        "a missing record is removed": [[soa(2), soa(1), a("nobody"), soa(2), soa(2)]],
        "the SOA is removed": [[soa(2), soa(1), soa(1), soa(2), a("b"), soa(2)]],
        "the last NS is removed": [[soa(2), soa(1), NS, soa(2), soa(2)]],
        "a wrong serial to begin with": [[soa(2), soa(0), soa(2), a("b"), soa(2)]],
        "no end": [[soa(2), soa(1), soa(2), a("b")]],
        "cut after the first message": [[soa(2), soa(1)]],
        "a SOA in the middle": [[soa(2), soa(1), soa(9), a("b"), soa(2), soa(2)]],
        "another class": [[soa(2), soa(1), soa(2), (*a("b"), 3), soa(2)]],
        "a name out of the zone": [[soa(2), soa(1), soa(2), ("b.other.test", 1, b"\1\2\3\4"), soa(2)]],
        "CNAME and other data": [[soa(2), soa(1), soa(2), ("ns1.ex.test", 5, wire_name("b.ex.test")), soa(2)]],
        "a record twice": [[soa(2), soa(1), soa(2), a("b"), a("b"), soa(2)]],
        "a record that is there": [[soa(2), soa(1), soa(2), a("ns1"), soa(2)]],
        "backwards": [[soa(2), soa(1), soa(0), a("b"), soa(0), soa(2), soa(2)]],
        "rubbish": [b"\0" * 40],
        "an error": [struct.pack(">HHHHHH", 0, 0x8404, 0, 0, 0, 0)],
        "behind the end": [[soa(2), soa(1), soa(2), a("b"), soa(2), a("c")]],
    }

    def test_D22_broken_increments_lead_to_the_whole_zone(self):
        for title, messages in self.BROKEN.items():
            with self.subTest(title), FakePrimary(1) as primary, Secondary(primary.port, key="") as ours:
                ours.wait_serial(1)
                primary.serial, primary.extra, primary.steps = 2, [a("fresh")], messages
                self.assertEqual(notify(ours), 0)
                ours.wait_serial(2)
                self.assertIn("the whole zone is asked for", ours.logged())
                self.assertEqual(dig(ours.port, "fresh.ex.test", "A", "+short").strip(), "192.0.2.1")
                self.assertEqual(dig(ours.port, "b.ex.test", "A", "+short").strip(), "")

    def test_D22_the_old_zone_stays_when_all_is_broken_and_nobody_loops(self):
        with FakePrimary(1, [a("old")]) as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(1)
            primary.serial, primary.steps = 2, [[soa(2), soa(1), a("nobody"), soa(2), soa(2)]]
            primary.whole = [[soa(2), NS, a("ns1")]]
            notify(ours)
            wait_for(lambda: "transfer: " in ours.logged(), 10, "the transfer fails")
            time.sleep(4)
            self.assertEqual(primary.asked["IXFR"], 1)
            self.assertEqual(primary.asked["AXFR"], 2)  # the first one at the start
            self.assertEqual(ours.serial(), 1)
            self.assertEqual(dig(ours.port, "old.ex.test", "A", "+short").strip(), "192.0.2.1")

    def test_D22_a_whole_zone_with_a_lower_serial_is_not_taken(self):
        with FakePrimary(5, [a("old")]) as primary, Secondary(primary.port, key="", more="request-ixfr no;") as ours:
            ours.wait_serial(5)
            primary.serial = 6
            primary.whole = [[soa(4), NS, a("ns1"), soa(4)]]
            notify(ours)
            wait_for(lambda: "its serial 4 is not newer than ours" in ours.logged(), 10, "it is refused")
            self.assertEqual(ours.serial(), 5)

    def test_D22_an_endless_increment_ends(self):
        def endless():
            yield [soa(2), soa(1)]
            for block in range(40000):
                yield [a(f"b{block}-{i}") for i in range(200)]

        with FakePrimary(1) as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(1)
            primary.serial, primary.steps = 2, endless
            notify(ours)
            ours.wait_serial(2, 60)
            self.assertIn("the steps have more than", ours.logged())

    def test_D21_a_serial_ahead_of_reality_for_ever_causes_few_checks(self):
        with FakePrimary(1) as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(1)
            before = dict(primary.asked)
            data = soa(4000)[2]
            packet = (struct.pack(">HHHHHH", 7, 0x2400, 1, 1, 0, 0) + wire_name("ex.test") + struct.pack(">HH", 6, 1) +
                      wire_name("ex.test") + struct.pack(">HHIH", 6, 1, 60, len(data)) + data)
            sent = 0
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.connect(("127.0.0.1", ours.port))
                began = time.monotonic()
                while sent < 100000:
                    for _ in range(100):
                        s.send(packet)
                        sent += 1
                    time.sleep(max(0, began + sent / 10000 - time.monotonic()))
                took = time.monotonic() - began
            self.assertLess(took, 12 * PATIENCE, "10,000 NOTIFY a second")
            # After 1, 2, 4 and 8 seconds, and what one more begins.
            self.assertLessEqual(primary.asked["SOA"] - before["SOA"], 6 if took < 15 else 8)
            self.assertEqual(primary.asked["AXFR"], before["AXFR"])
            self.assertEqual(primary.asked["IXFR"], 0)
            self.assertEqual(ours.serial(), 1)
            # What is not newer than ours needs no check at all; what is, comes soon in spite of all that.
            checks = primary.asked["SOA"]
            self.assertEqual(notify(ours, 1), 0)
            primary.serial, primary.steps = 2, [[soa(2), soa(1), soa(2), a("b"), soa(2)]]
            notify(ours, 2)
            ours.wait_serial(2, 40)
            self.assertLessEqual(primary.asked["SOA"], checks + 2)

    def test_D21_malformed_notify_over_tcp_hurts_nobody(self):
        with FakePrimary(1) as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(1)
            good = struct.pack(">HHHHHH", 7, 0x2400, 1, 1, 0, 0) + wire_name("ex.test") + struct.pack(">HH", 6, 1)
            good += wire_name("ex.test") + struct.pack(">HHIH", 6, 1, 60, len(soa(9)[2])) + soa(9)[2]
            for size in range(len(good)):
                try:
                    with socket.create_connection(("127.0.0.1", ours.port), 5) as s:
                        s.sendall(struct.pack(">H", size) + good[:size])
                        if size >= 12:
                            self.assertEqual(read_tcp(s)[3] & 15, 1, size)
                except ConnectionError:
                    pass
            self.assertEqual(ours.serial(), 1)
            self.assertEqual(ask(ours.port, good, tcp=True)[3] & 15, 0)
            for name in ("zone", "query0"):
                self.assertIsNotNone(ours.role(name))
            self.assertNotIn("was killed", ours.logged())


if __name__ == "__main__":
    unittest.main()
