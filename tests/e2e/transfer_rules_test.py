"""What named.conf says of how zones are given, fetched and told of: formats, times, addresses, keys of servers."""

import os
import signal
import socket
import struct
import threading
import time
import unittest

import dns_peers
from dns_peers import Bind, dig, records
from dns_wire import TYPES, Message, question
from fake_primary import FakePrimary, notify
from names_test import ZONE, NameServer
from transfer_test import KEY, Secondary
from umaya_instance import wait_for
from update_test import Dynamic

XFER = KEY % "hmac-sha256"


class Primary(NameServer):
    """named-lite with one zone that everybody may transfer. zone: statements of the zone, before: at the top."""

    def __init__(self, zone="", before="", extra="", arguments=()):
        self.zone = zone
        super().__init__({"ex.test": ZONE}, extra=extra, before=XFER + before, arguments=arguments)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        self.write("named.conf", text.replace('file "ex.test";', f'file "ex.test"; allow-transfer {{ any; }}; {self.zone}'))

    def messages(self):
        """Numbers of records in the messages of an AXFR."""
        packet, counts, seen = question("ex.test", "AXFR"), [], 0
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.sendall(struct.pack(">H", len(packet)) + packet)
            while seen < 2:
                size = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
                answers = Message(s.recv(size, socket.MSG_WAITALL)).sections[0]
                counts.append(len(answers))
                seen += sum(1 for each in answers if each[1] == TYPES["SOA"])
        return counts


class Told:
    """Takes NOTIFY on an address of the loopback and says NOERROR. told: (from, whether signed)."""

    def __init__(self, address="127.0.0.1"):
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.port, self.told = self.socket.getsockname()[1], []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                packet, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if packet:
                last = (Message(packet).sections[2] or [None])[-1]
                self.told.append((client[0], bool(last and last[1] == TYPES["TSIG"])))
                self.socket.sendto(packet[:2] + b"\xa4\0" + bytes(8), client)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()


class Rules(dns_peers.WithPeers):
    def test_transfer_format_says_how_many_records_a_message_has(self):
        one = "transfer-format one-answer;"
        with Primary() as server:
            self.assertEqual(server.messages(), [6])
            whole = records(dig(server.port, "ex.test", "AXFR", "+noall", "+answer"))
        for options, before, each in ((one, "", True), ("", f"server 127.0.0.1 {{ {one} }};\n", True),
                                      (one, "server 127.0.0.1 { transfer-format many-answers; };\n", False)):
            with self.subTest(options + before), Primary(extra=options, before=before) as server:
                self.assertEqual(server.messages(), [1] * 6 if each else [6])
                self.assertEqual(records(dig(server.port, "ex.test", "AXFR", "+noall", "+answer")), whole)

    def test_bind_and_ours_take_zones_with_one_record_a_message(self):
        secondary = 'zone "ex.test" { type secondary; primaries { 127.0.0.1 port %d; }; };'
        with Primary(extra="transfer-format one-answer;") as ours, Bind(secondary % ours.port) as bind:
            bind.wait_serial("ex.test", 1)
            self.assertEqual(records(dig(bind.port, "ex.test", "MX", "+noall", "+answer")),
                             records(dig(ours.port, "ex.test", "MX", "+noall", "+answer")))
        with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { any; }; };', {"z": ZONE},
                  options="transfer-format one-answer;") as bind, Secondary(bind.port, key="") as ours:
            ours.wait_serial(1)

    def test_max_refresh_time_brings_questions_that_the_zone_would_not(self):
        with FakePrimary(1) as primary, Secondary(primary.port, key="", more="max-refresh-time 1;") as ours:
            ours.wait_serial(1)
            asked = primary.asked["SOA"]
            wait_for(lambda: primary.asked["SOA"] >= asked + 3, 15, "the serial is asked for each second")
            primary.serial, primary.steps = 2, [[]]
            ours.wait_serial(2, 10)

    def test_max_retry_time_brings_the_next_try_sooner(self):
        with FakePrimary(1) as primary, Secondary(primary.port, key="", more="max-retry-time 2;") as ours:
            ours.wait_serial(1)
            primary.serial, primary.steps, primary.whole = 2, [[]], [[]]
            notify(ours)
            wait_for(lambda: "transfer: " in ours.logged(), 10, "the first transfer fails")
            primary.whole = None
            ours.wait_serial(2, 15)  # the SOA says 900 s

    def test_transfer_source_is_where_a_primary_is_asked_from(self):
        for before, more, source in (("", "transfer-source 127.0.0.6;", "127.0.0.6"),
                                     ("server 127.0.0.1 { transfer-source 127.0.0.7; };\n", "transfer-source 127.0.0.6;",
                                      "127.0.0.7")):
            with self.subTest(source), FakePrimary(1) as primary:
                with FromSource(primary.port, before, more) as ours:
                    ours.wait_serial(1)
                self.assertEqual(primary.clients, {source})

    def test_the_key_of_a_server_clause_signs_notify_and_questions(self):
        server = "server 127.0.0.1 { keys xfer; };\n"
        with Told() as told, Primary(f"also-notify {{ 127.0.0.1 port {told.port}; }};", before=server):
            wait_for(lambda: told.told, 10, "a NOTIFY comes")
            self.assertEqual(told.told[0], ("127.0.0.1", True))
        with Told() as told, Primary(f"also-notify {{ 127.0.0.1 port {told.port}; }};"):
            wait_for(lambda: told.told, 10, "a NOTIFY comes")
            self.assertEqual(told.told[0], ("127.0.0.1", False))
        # A secondary that wants the key believes it, and asks with it itself.
        with Primary(before=server) as primary, FromSource(primary.port, server, "") as ours:
            ours.wait_serial(1)
            primary.zone = f"also-notify {{ 127.0.0.1 port {ours.port}; }};"
            primary.configure({"ex.test": ""})
            primary.write("ex.test", ZONE.replace("root 1 ", "root 2 "))
            primary.reload()
            ours.wait_serial(2, 10)
            wait_for(lambda: "answered" in primary.logged(), 10, "the NOTIFY is answered")
            self.assertIn("with key xfer", primary.logged())

    def test_each_view_has_the_keys_of_its_own_server_clauses(self):
        with Told() as signed, Told() as plain:
            with TwoViews(signed.port, plain.port):
                wait_for(lambda: signed.told and plain.told, 10, "both are told, though the zones have one name")
                self.assertTrue(signed.told[0][1])
                self.assertFalse(plain.told[0][1])

    def test_notify_goes_from_notify_source(self):
        for before, source in (("", "127.0.0.8"), ("server 127.0.0.1 { notify-source 127.0.0.9; };\n", "127.0.0.9")):
            with self.subTest(source), Told() as told:
                with Primary(f"notify-source 127.0.0.8; also-notify {{ 127.0.0.1 port {told.port}; }};", before=before):
                    wait_for(lambda: told.told, 10, "a NOTIFY comes")
                    self.assertEqual(told.told[0][0], source)

    def test_4_and_6_keep_notify_within_one_family(self):
        try:
            six = Told("::1")
        except OSError as error:
            self.skipTest(f"no IPv6: {error}")
        with six, Told() as four:
            also = f"also-notify {{ ::1 port {six.port}; 127.0.0.1 port {four.port}; }};"
            with Primary(also, arguments=("-4",)):
                wait_for(lambda: four.told, 10, "who has an address of IPv4 is told")
                time.sleep(0.5)
                self.assertEqual(six.told, [])
            with Primary(also):
                wait_for(lambda: six.told, 10, "without -4 both are")


class FromSource(Secondary):
    """A secondary with statements at the top."""

    def __init__(self, port, before, more):
        self.top = before
        super().__init__(port, key="", more=more)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        self.write("named.conf", text.replace(XFER, XFER + self.top))


class TwoViews(NameServer):
    """One zone in two views, of which the first signs what it sends."""

    def __init__(self, first, second):
        self.ports = (first, second)
        super().__init__({"ex.test": ZONE})

    def configure(self, zones):
        views = "".join(
            f'view "v{i}" {{ match-clients {{ {match}; }}; {server} zone "ex.test" {{ type primary; file "ex.test"; '
            f'also-notify {{ 127.0.0.1 port {port}; }}; }}; }};\n'
            for i, (port, match, server) in enumerate(zip(self.ports, ("127.0.0.9", "any"),
                                                          ("server 127.0.0.1 { keys xfer; };", ""))))
        self.write("named.conf", f'{XFER}options {{ directory "{self.directory.name}"; recursion no; '
                                 f'listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};\n{views}')


class Ends(dns_peers.WithPeers):
    def end(self, server):
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)

    def test_flush_zones_on_shutdown_writes_what_updates_have_changed(self):
        for extra, written in (("", False), ("flush-zones-on-shutdown no;", False), ("flush-zones-on-shutdown yes;", True)):
            with self.subTest(extra), Dynamic(extra=extra) as server:
                self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
                self.end(server)
                self.assertEqual("192.0.2.9" in server.file(), written)
                server.start()
                self.assertEqual(server.answer("new.ex.test", "A"), ["192.0.2.9"])

    def test_it_holds_for_secondaries_and_for_one_process_too(self):
        with Dynamic() as primary, Flushing(primary.port) as ours:
            ours.wait_serial(7)
            self.assertEqual(primary.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            notify(ours)
            ours.wait_serial(8)
            self.end(ours)
            with open(ours.path("ex.test")) as f:
                self.assertIn("192.0.2.9", f.read())


class Flushing(Secondary):
    def __init__(self, port):
        super().__init__(port, key="")

    def configure(self, zones):
        self.extra = "flush-zones-on-shutdown yes;"
        self.arguments = ("-X",)
        super().configure(zones)


class DamagedJournals(dns_peers.WithPeers):
    """A disk that lost pages: the server starts, says so, and goes on with what the files have."""

    def cut(self, server):
        server.process.kill()
        server.process.wait(20)
        path = server.path("named-lite.journal")
        os.truncate(path, os.path.getsize(path) // 2)

    def test_a_zone_that_takes_updates_is_served_from_its_file(self):
        with Dynamic() as server:
            for i in range(40):
                self.assertEqual(server.nsupdate(f'update add n{i}.ex.test. 300 TXT "{"x" * 200}"'), "NOERROR")
            self.cut(server)
            server.start()
            self.assertIsNone(server.process.poll(), server.logged())
            self.assertRegex(server.logged(), r"named-lite\.journal is damaged \(.*\).*: it is put aside as .*\.damaged-\d+")
            self.assertEqual(server.serial(), 7)
            self.assertTrue(any(".damaged-" in name for name in os.listdir(server.directory.name)))
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            self.assertEqual(server.serial(), 8)
            server.kill()
            server.start()
            self.assertEqual(server.answer("new.ex.test", "A"), ["192.0.2.9"])
            self.assertNotIn("damaged", server.logged())

    def test_a_secondary_fetches_what_is_lost(self):
        with Dynamic() as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(7)
            for i in range(30):
                self.assertEqual(primary.nsupdate(f'update add n{i}.ex.test. 300 TXT "{"x" * 200}"'), "NOERROR")
                if i % 3 == 0:
                    notify(ours)
                    ours.wait_serial(8 + i)
            self.cut(ours)
            ours.start()
            self.assertIn("is damaged", ours.logged())
            ours.wait_serial(37)
            self.assertEqual(records(dig(ours.port, "n29.ex.test", "TXT", "+noall", "+answer")),
                             records(dig(primary.port, "n29.ex.test", "TXT", "+noall", "+answer")))


if __name__ == "__main__":
    unittest.main()
