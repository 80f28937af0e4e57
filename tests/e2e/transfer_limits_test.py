"""How many transfers, questions for serials and NOTIFYs there are at once and in a second, and when one is given up."""

import socket
import struct
import subprocess
import time
import unittest

import dns_peers
from dns_wire import Message, ask, question
from names_test import PROGRAM, NameServer
from slow_primary import SlowPrimary
from transfer_rules_test import Told
from umaya_instance import PATIENCE, wait_for
from update_test import Dynamic

SAVED = "$TTL 60\n@ SOA ns h 1 3600 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"


class Copies(NameServer):
    """named-lite as secondary of many zones. zones: [(name, port, address, statements)]; saved: they have files already."""

    def __init__(self, zones, extra="", before="", saved=False):
        self.secondary = zones
        super().__init__({name: SAVED for name, *_ in zones} if saved else {}, extra, before)

    def configure(self, zones):
        super().configure({})
        with open(self.path("named.conf"), "a") as f:
            f.write(f'controls {{ unix "{self.path("ndc")}" perm 0600; }};\n')
            for name, port, address, statements in self.secondary:
                f.write(f'zone "{name}" {{ type secondary; primaries {{ {address} port {port}; }}; file "{name}"; {statements} }};\n')

    def ndc(self, *words):
        return subprocess.run([PROGRAM, "ndc", "-s", self.path("ndc"), *words], capture_output=True, text=True, timeout=60).stdout

    def serial(self, zone):
        answer = Message(ask(self.port, question(zone, "SOA")))
        return struct.unpack(">I", answer.sections[0][0][4][-1][:4])[0] if answer.sections[0] else None

    def wait_all(self, zones, serial, seconds=20):
        left = [name for name, *_ in zones]

        def done():
            while left and self.serial(left[0]) == serial:
                left.pop(0)
            return not left
        wait_for(done, seconds, f"serial {serial} of all zones:\n{self.logged()[-3000:]}", pause=0.1)

    def tell(self, zone):
        """A NOTIFY of the primary."""
        packet = struct.pack(">HHHHHH", 7, 0x2400, 1, 0, 0, 0) + question(zone, "SOA")[12:]
        return ask(self.port, packet)[3] & 15


def zones_of(primary, count, prefix="z", address="127.0.0.1", statements=""):
    return [(f"{prefix}{i}.test", primary.port, address, statements) for i in range(count)]


def most_within(times, seconds):
    """The most that happened within any time of this length."""
    return max(sum(1 for other in times if each <= other < each + seconds) for each in times)


class Places(unittest.TestCase):
    def test_sixty_zones_of_one_primary_come_two_at_a_time(self):
        with SlowPrimary(delay=0.1) as primary:
            zones = zones_of(primary, 60)
            with Copies(zones) as ours:
                ours.wait_all(zones, 1, 30)
                self.assertEqual(primary.most, 2)
                self.assertEqual(primary.asked["AXFR"], 60)
                self.assertIn("transfers in: 0 running, 0 waiting", ours.ndc("status"))

    def test_transfers_per_ns_transfers_in_and_server_clauses_say_how_many(self):
        for extra, before, most in (("transfers-per-ns 5;", "", 5), ("transfers-per-ns 30; transfers-in 4;", "", 4),
                                    ("transfers-per-ns 30;", "", 10), ("", "server 127.0.0.0/8 { transfers 3; };\n", 3)):
            with self.subTest(extra + before), SlowPrimary(delay=0.2) as primary:
                zones = zones_of(primary, 20)
                with Copies(zones, extra, before) as ours:
                    ours.wait_all(zones, 1, 30)
                    self.assertEqual(primary.most, most)

    def test_a_primary_that_hangs_has_its_share_and_others_are_not_held_up(self):
        with SlowPrimary("127.0.0.2", delay=None) as hanging, SlowPrimary("127.0.0.3") as good:
            zones = zones_of(good, 10, "good", "127.0.0.3")
            with Copies(zones_of(hanging, 60, "bad", "127.0.0.2") + zones) as ours:
                ours.wait_all(zones, 1, 5)
                self.assertEqual(hanging.most, 2)
                self.assertIn("transfers in: 2 running, 58 waiting", ours.ndc("status"))
                # A reload lets zones go that wait or are under way, and those that stay ask the primary that they have now.
                moved = zones_of(good, 10, "bad", "127.0.0.3")
                ours.secondary = moved + zones
                ours.configure({})
                ours.reload()
                ours.wait_all(moved[2:], 1, 10)
                self.assertIn("transfers in: 2 running, 0 waiting", ours.ndc("status"))


    def test_transfers_out_are_refused_beyond_their_number(self):
        statement = 'zone "big.test" { type primary; file "big"; allow-transfer { any; }; };\n'
        with Copies([], "transfers-out 2;") as ours:
            ours.write("big", BIG)
            with open(ours.path("named.conf"), "a") as f:
                f.write(statement)
            ours.reload()

            def refused():
                return Message(ask(ours.port, question("big.test", "AXFR"), tcp=True)).rcode == 5
            readers = [Reader(ours.port, "big.test", 0) for _ in range(2)]
            for reader in readers:
                self.addCleanup(reader.socket.close)
            wait_for(lambda: ours.logged().count("started") == 2, 10, "two transfers run")
            self.assertTrue(refused())
            readers[0].socket.close()
            wait_for(lambda: not refused(), 10, "a reader that went away has left its place")


class Serials(unittest.TestCase):
    def test_a_serial_is_asked_for_over_udp_and_what_is_not_new_needs_no_connection(self):
        with SlowPrimary() as primary:
            zones = zones_of(primary, 1)
            with Copies(zones, saved=True) as ours:
                wait_for(lambda: primary.asked["UDP"] == 1, 10, "the serial is asked for")
                time.sleep(0.3)
                self.assertEqual((primary.asked["SOA"], primary.asked["AXFR"], primary.asked["IXFR"]), (0, 0, 0))
                primary.serial = 2
                self.assertEqual(ours.tell("z0.test"), 0)
                ours.wait_all(zones, 2)
                self.assertEqual(primary.asked["SOA"], 0, "what is known is not asked again")

    def test_packets_of_strangers_do_not_end_the_wait_for_a_serial(self):
        with SlowPrimary(udp="forged") as primary:
            with Copies(zones_of(primary, 1), saved=True) as ours:
                wait_for(lambda: primary.asked["UDP"] == 1, 10, "the serial is asked for")
                time.sleep(0.5)
                self.assertEqual((primary.asked["UDP"], primary.asked["AXFR"], primary.asked["SOA"]), (1, 0, 0))
                self.assertNotIn("refresh from", ours.logged())

    def test_try_tcp_refresh_says_what_happens_when_nobody_answers_over_udp(self):
        with SlowPrimary(udp="no", serial=2) as primary:
            with Copies(zones_of(primary, 1), "try-tcp-refresh no;", saved=True) as ours:
                wait_for(lambda: "no answer over UDP" in ours.logged(), 15, "the question is given up")
                self.assertEqual(primary.asked["UDP"], 3)
                self.assertEqual(primary.asked["SOA"] + primary.asked["AXFR"], 0)
                self.assertEqual(ours.serial("z0.test"), 1)
        with SlowPrimary(udp="no", serial=2) as primary:
            zones = zones_of(primary, 1)
            with Copies(zones, saved=True) as ours:
                ours.wait_all(zones, 2, 15)
                self.assertEqual(primary.asked["UDP"], 3)
                primary.serial = 3
                ours.tell("z0.test")
                ours.wait_all(zones, 3, 10)
                self.assertEqual(primary.asked["UDP"], 3, "it is known that it answers over TCP alone")

    def test_serial_query_rate_bounds_the_questions_in_a_second(self):
        with SlowPrimary() as primary:
            with Copies(zones_of(primary, 30), "serial-query-rate 10;", saved=True):
                wait_for(lambda: primary.asked["UDP"] == 30, 20, "all serials are asked for")
                times = primary.times["SOA"]
                self.assertLessEqual(most_within(times, 1), 11 if PATIENCE == 1 else 13)
                self.assertGreater(times[-1] - times[0], 2.7)


    def test_a_zone_that_a_notify_came_for_does_not_wait_behind_those_of_a_start(self):
        with SlowPrimary() as primary:
            with Copies(zones_of(primary, 60), "serial-query-rate 3;", saved=True) as ours:
                wait_for(lambda: primary.asked["UDP"] >= 1, 10, "the first serial is asked for")
                self.assertEqual(ours.tell("z0.test"), 0)
                wait_for(lambda: primary.serials.count("z0.test") == 2, 6, "it is asked for again")
                self.assertLess(primary.asked["UDP"], 40)


class TellingMany(NameServer):
    """named-lite with many primary zones that tell one another server of each change."""

    def __init__(self, port, count, extra):
        self.told = port
        super().__init__({f"z{i}.test": SAVED for i in range(count)}, extra)

    def configure(self, zones):
        self.extra += f" notify explicit; also-notify {{ 127.0.0.1 port {self.told}; }};"
        super().configure(zones)


class Notices(dns_peers.WithPeers):
    def test_startup_notify_rate_and_notify_rate_bound_what_is_sent_in_a_second(self):
        with Told() as told:
            with TellingMany(told.port, 20, "startup-notify-rate 10; notify-rate 5; notify-delay 0;") as ours:
                begin = time.monotonic()
                wait_for(lambda: len(told.told) == 20, 20, "all are told")
                self.assertGreater(time.monotonic() - begin, 1.5)
                for i in range(10):
                    ours.write(f"z{i}.test", SAVED.replace(" 1 3600", " 2 3600"))
                ours.reload()
                begin = time.monotonic()
                wait_for(lambda: len(told.told) == 30, 20, "and of the changes")
                self.assertGreater(time.monotonic() - begin, 1.5)

    def test_a_zone_that_changes_often_is_told_of_once_in_notify_delay(self):
        with Told() as told:
            with Changing(told.port, "notify-delay 4;") as ours:
                began = time.monotonic()
                for i in range(6):
                    self.assertEqual(ours.nsupdate(f"update add n{i}.ex.test. 60 A 192.0.2.{i}"), "NOERROR")
                self.assertLess(time.monotonic() - began, 3.5 * PATIENCE)
                wait_for(lambda: len(told.told) >= 2, 10, "the last serial is told, too")
                self.assertGreater(time.monotonic() - began, 3.9)
                time.sleep(0.5)
                self.assertEqual(len(told.told), 2)
                wait_for(lambda: f"notify of serial {ours.serial()} to" in ours.logged(), 5, "it is the last one")
                # An administrator does not wait.
                begin = time.monotonic()
                self.assertTrue(ours.ndc("notify", "ex.test")[0])
                wait_for(lambda: len(told.told) == 3, 3, "ndc notify tells at once")
                self.assertLess(time.monotonic() - begin, 2 * PATIENCE)


class Changing(Dynamic):
    """A zone that takes updates and tells of them, not at the start."""

    def __init__(self, port, extra):
        self.told = port
        super().__init__(extra=extra)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        self.write("named.conf", text.replace("notify no;", f"notify explicit; also-notify {{ 127.0.0.1 port {self.told}; }};"))


BIG = SAVED + "".join(f'n{i} TXT "{"x" * 250}"\n' for i in range(40000))


class Reader:
    """Asks for a zone and reads so many octets a second, and not more."""

    def __init__(self, port, zone, octets):
        self.octets, self.ended = octets, None
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, max(8192, octets))
        self.socket.connect(("127.0.0.1", port))
        packet = question(zone, "AXFR")
        self.socket.sendall(struct.pack(">H", len(packet)) + packet)
        self.socket.setblocking(False)

    def read(self):
        """Once a second. A connection that was cut is seen although not all was read."""
        info = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)
        try:
            if self.octets and self.socket.recv(self.octets) == b"":
                return True
        except BlockingIOError:
            pass
        except OSError:
            return True
        return info[0] != 1  # ESTABLISHED


class Minutes(unittest.TestCase):
    """The limits whose unit is the minute, all in the same two minutes."""

    def test_transfers_that_stand_still_or_take_too_long_are_given_up(self):
        with SlowPrimary("127.0.0.2", delay=None) as idle, SlowPrimary("127.0.0.3", delay="endless") as endless:
            zones = [("idle1.test", idle.port, "127.0.0.2", "max-transfer-idle-in 1;"),
                     ("idle2.test", idle.port, "127.0.0.2", "max-transfer-idle-in 2;"),
                     ("time1.test", endless.port, "127.0.0.3", "max-transfer-time-in 1;"),
                     ("time2.test", endless.port, "127.0.0.3", "max-transfer-time-in 2;")]
            with Copies(zones) as ours:
                big = "".join(f'zone "{name}.test" {{ type primary; file "big"; allow-transfer {{ any; }}; {limit} }};\n' for name, limit in (
                    ("out1", "max-transfer-idle-out 1;"), ("out2", "max-transfer-idle-out 2;"), ("slow1", "max-transfer-time-out 1;"),
                    ("slow2", "max-transfer-time-out 2;")))
                ours.write("big", BIG)
                with open(ours.path("named.conf"), "a") as f:
                    f.write(big)
                ours.reload()
                readers = {name: Reader(ours.port, f"{name}.test", octets)
                           for name, octets in (("out1", 0), ("out2", 0), ("slow1", 100000), ("slow2", 100000))}
                for reader in readers.values():
                    self.addCleanup(reader.socket.close)
                began, ends = time.monotonic(), {}
                while time.monotonic() - began < 75 * PATIENCE and not {"out1", "slow1"} <= set(ends):
                    for name in set(readers) - set(ends):
                        if readers[name].read():
                            ends[name] = time.monotonic() - began
                    time.sleep(1)
                text = ours.logged()
                self.assertEqual(set(ends), {"out1", "slow1"}, text)
                for end in ends.values():
                    self.assertGreater(end, 55)
                for name in ("out1", "slow1"):
                    self.assertRegex(text, f"AXFR of '{name}.test./IN' to 127.0.0.1: the client is too slow")
                for name, why in (("idle1", "nothing came for 1 min (max-transfer-idle-in)"),
                                  ("time1", "it takes longer than 1 min (max-transfer-time-in)")):
                    self.assertIn(f"zone {name}.test./IN: refresh from", text)
                    self.assertIn(why, text)
                for name in ("idle2", "time2", "out2", "slow2"):
                    self.assertNotRegex(text, f"{name}.test./IN.*(refresh|slow|went)")


if __name__ == "__main__":
    unittest.main()
