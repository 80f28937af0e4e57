"""Incremental transfers between named-lite and other servers, in both directions, and primaries that lie."""

import re
import socket
import struct
import time
import unittest

import dns_peers
from dns_peers import Bind, Knot, Nsd, dig, records
from dns_wire import ask, question, read_tcp, wire_name
from fake_primary import FakePrimary, notify
from transfer_test import SECRET, Secondary
from update_test import SECRET as UPDATE_SECRET
from update_test import Dynamic

HOSTS = "".join(f"host{i} A 192.0.2.{i % 250 + 1}\n" for i in range(200))
ZONE = ("$TTL 3600\n@ SOA ns1 hostmaster 7 3600 900 604800 60\n@ NS ns1\n@ MX 10 mail\nns1 A 192.0.2.1\n"
        "mail A 192.0.2.2\nwww CNAME mail\n" + HOSTS)
XFER = f'key "xfer" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'


class Primary(Dynamic):
    """named-lite with a dynamic zone that key xfer may transfer; it tells those who are in also."""

    def __init__(self, also="", more="", allow="key xfer; 127.0.0.1", zone=ZONE):
        self.also, self.more, self.allow = also, more, allow
        super().__init__(zone)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        tell = f"notify explicit; notify-delay 0; also-notify {{ {self.also} }}; {self.more}"
        text = text.replace("notify no;", tell).replace("allow-transfer { any; };", f"allow-transfer {{ {self.allow}; }};")
        self.write("named.conf", XFER + text)

    def also_notify(self, port, key=""):
        self.also += f"127.0.0.1 port {port} {key};"
        self.configure({"ex.test": ""})
        self.reload()

    def whole(self):
        """As zone(), with the key, so that what comes of it can be compared with others'."""
        return whole(self.port)


def read(path):
    with open(path) as f:
        return f.read()


def whole(port):
    return records(dig(port, "-y", f"hmac-sha256:xfer:{SECRET}", "ex.test", "AXFR", "+noall", "+answer"))


def ixfr(port, serial, *more):
    """The records that dig gets, in their order."""
    text = dig(port, "ex.test", f"IXFR={serial}", "+noall", "+answer", *more)
    return [re.sub(r"\s+", " ", line).lower() for line in text.splitlines() if line and not line.startswith(";")]


def serials(lines):
    return [int(line.split()[6]) for line in lines if " soa " in line]


class Ixfr(dns_peers.WithPeers):
    def update(self, primary, count=1):
        for _ in range(count):
            self.number = getattr(self, "number", 0) + 1
            self.assertEqual(primary.nsupdate(f"update add new{self.number}.ex.test. 300 A 192.0.2.{self.number}",
                                              f"update delete host{self.number}.ex.test. A"), "NOERROR")

    def test_dig_gets_what_is_new_and_the_zone_when_history_is_missing(self):
        with Primary() as ours:
            self.update(ours, 3)
            self.assertEqual(ours.serial(), 10)
            one = ixfr(ours.port, 9)
            self.assertEqual(serials(one), [10, 9, 10, 10])
            self.assertIn("host3.ex.test. 3600 in a 192.0.2.4", one)
            self.assertIn("new3.ex.test. 300 in a 192.0.2.3", one)
            self.assertEqual(len(one), 6)
            self.assertEqual(serials(ixfr(ours.port, 7)), [10, 7, 10, 10])
            self.assertEqual(serials(ixfr(ours.port, 10)), [10])
            self.assertEqual(sorted(set(ixfr(ours.port, 3))), sorted(set(ours.whole())))
            self.assertEqual(ours.ndc("sync", "-clean", "ex.test")[0], True)
            self.assertGreater(len(ixfr(ours.port, 9)), 200)

    def test_over_udp_comes_what_fits_else_the_soa(self):
        with Primary() as ours:
            self.update(ours)
            udp = ("+notcp", "+bufsize=1232")
            self.assertEqual(serials(ixfr(ours.port, 7, *udp)), [8, 7, 8, 8])
            for i in range(30):
                self.assertEqual(ours.nsupdate(f"update add t{i}.ex.test. 60 TXT {'x' * 100}"), "NOERROR")
            self.assertEqual(serials(ixfr(ours.port, 7, *udp)), [38])
            self.assertEqual(serials(ixfr(ours.port, 37, *udp)), [38, 37, 38, 38])

    def test_D20_an_ixfr_with_a_bad_soa_is_formerr_over_both_transports(self):
        with Primary() as ours:
            head = struct.pack(">HHHHHH", 7, 0, 1, 0, 1, 0) + wire_name("ex.test") + struct.pack(">HH", 251, 1)
            soa = wire_name("ex.test") + struct.pack(">HHI", 6, 1, 0)
            numbers = struct.pack(">IIIII", 7, 1, 1, 1, 1)
            for data in (b"", b"\0\0" + numbers[:-1], b"\0\0" + numbers + b"x", b"\0\0" + numbers * 3000, numbers):
                for tcp in (False, True):
                    if len(data) > 60000 and not tcp:
                        continue
                    packet = head + soa + struct.pack(">H", len(data)) + data
                    answer = ask(ours.port, packet, tcp=tcp)
                    self.assertEqual(answer[3] & 15, 1, (len(data), tcp))
            good = head + soa + struct.pack(">H", 22) + b"\0\0" + numbers
            self.assertEqual(ask(ours.port, good)[3] & 15, 0)

    def test_D19_strangers_take_no_place_of_those_who_may(self):
        with Primary(allow="key xfer", more="", zone=ZONE) as ours:
            text = read(ours.path("named.conf")).replace("options {", "options { transfers-out 1;")
            ours.write("named.conf", text)
            ours.reload()
            strangers = []
            for _ in range(20):
                s = socket.create_connection(("127.0.0.1", ours.port), 5)
                packet = question("ex.test", 252)
                s.sendall(struct.pack(">H", len(packet)) + packet)
                strangers.append(s)
            self.assertGreater(len(whole(ours.port)), 200)
            for s in strangers:
                self.assertEqual(read_tcp(s)[3] & 15, 5)
                s.close()

    def test_bind_gets_increments_from_us_with_tsig(self):
        with Primary() as ours, Bind(
                f'zone "ex.test" {{ type secondary; file "copy"; primaries {{ 127.0.0.1 port {ours.port} key xfer; }}; '
                f'allow-notify {{ 127.0.0.1; }}; allow-transfer {{ any; }}; }};', keys=XFER) as bind:
            bind.wait_serial("ex.test", 7)
            ours.also_notify(bind.port)
            for serial in range(8, 12):
                self.update(ours)
                bind.wait_serial("ex.test", serial, 20)
            self.assertGreaterEqual(ours.logged().count("incremental"), 1, ours.logged())
            self.assertIn("IXFR of 'ex.test./IN'", ours.logged())
            self.assertEqual(whole(bind.port), ours.whole())

    def test_knot_gets_increments_from_us_with_tsig(self):
        with Primary() as ours, Knot("ex.test", ours.port, "xfer", "hmac-sha256", SECRET) as knot:
            knot.wait_serial("ex.test", 7)
            ours.also_notify(knot.port)
            for serial in range(8, 11):
                self.update(ours)
                knot.wait_serial("ex.test", serial, 20)
            self.assertIn("incremental", ours.logged())
            self.assertIn("IXFR, incoming", knot.logged())
            self.assertNotIn("fallback to AXFR", knot.logged())

    def test_nsd_gets_increments_from_us_with_tsig(self):
        with Primary() as ours, Nsd("ex.test", ours.port, "xfer", "hmac-sha256", SECRET, axfr=False) as nsd:
            nsd.wait_serial("ex.test", 7)
            ours.also_notify(nsd.port)
            for serial in range(8, 11):
                self.update(ours)
                nsd.wait_serial("ex.test", serial, 20)
            self.assertIn("incremental", ours.logged())
            self.assertIn("192.0.2.1", dig(nsd.port, "new1.ex.test", "A", "+short"))

    def test_we_get_increments_from_knot_with_tsig(self):
        with Knot("ex.test", 0, "xfer", "hmac-sha256", SECRET, ZONE, more="zonefile-load: difference") as knot:
            knot.wait_serial("ex.test", 7)
            with Secondary(knot.port, more="allow-notify { 127.0.0.1; }; allow-transfer { any; };") as ours:
                ours.wait_serial(7)
                for serial in range(8, 11):
                    text = ZONE.replace(" 7 ", f" {serial} ") + "".join(f"new{i} A 192.0.2.9\n" for i in range(serial))
                    knot.write("ex.test.zone", text)
                    knot.process.send_signal(1)
                    knot.wait_serial("ex.test", serial)
                    self.assertEqual(notify(ours), 0)
                    ours.wait_serial(serial, 20)
                self.assertIn("by IXFR in", ours.logged())
                self.assertNotIn("the whole zone is asked for", ours.logged())
                self.assertEqual(whole(ours.port), whole(knot.port))

    def test_we_get_increments_from_bind_and_pass_them_on(self):
        update = f'key "upd" {{ algorithm hmac-sha256; secret "{UPDATE_SECRET}"; }};\n'
        with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { key xfer; }; allow-update { key upd; }; };',
                  {"z": ZONE}, XFER + update) as bind:
            middle = Secondary(bind.port, more="allow-transfer { any; };")
            with middle, Secondary(middle.port) as last:
                last.wait_serial(7)
                middle.more += f" notify explicit; notify-delay 0; also-notify {{ 127.0.0.1 port {last.port} key xfer; }};"
                middle.configure({})
                middle.reload()
                text = read(bind.path("named.conf")).replace(
                    "allow-update", f"notify explicit; also-notify {{ 127.0.0.1 port {middle.port} key xfer; }}; allow-update")
                bind.write("named.conf", text)
                bind.process.send_signal(1)
                for serial in range(8, 12):
                    self.update(NsupdateTo(bind.port))
                    bind.wait_serial("ex.test", serial)
                    middle.wait_serial(serial, 20)
                    last.wait_serial(serial, 20)
                self.assertIn("by IXFR in", middle.logged())
                self.assertIn("by IXFR in", last.logged())
                self.assertNotIn("the whole zone is asked for", middle.logged() + last.logged())
                self.assertNotIn("over TCP", middle.logged() + last.logged(), "signed questions for serials are answered over UDP")
                now = whole(bind.port)
                self.assertEqual(whole(middle.port), now)
                # After kill -9 file and journal are the zone.
                for each in (middle, last):
                    each.process.kill()
                    each.process.wait(10)
                    each.start()
                    self.assertIn("changes of the journal, up to serial 11", each.logged())
                self.assertEqual(whole(middle.port), now)
                self.assertEqual(serials(ixfr(middle.port, 8)), [11, 8, 11, 11])

    def test_ours_of_ours_with_tsig_and_the_file_after_sync_and_stop(self):
        with Primary() as primary, Secondary(primary.port, more="allow-transfer { any; };") as ours:
            text = read(ours.path("named.conf"))
            ours.write("named.conf", f'controls {{ unix "{ours.path("ndc")}" perm 0600; }};\n' + text)
            ours.process.terminate()
            ours.process.wait(10)
            ours.start()
            ours.wait_serial(7)
            primary.also_notify(ours.port, "key xfer")
            self.update(primary)
            ours.wait_serial(8)
            self.assertIn("by IXFR in 1 steps", ours.logged())
            self.assertNotIn("new1", read(ours.path("ex.test")))
            self.assertEqual(Dynamic.ndc(ours, "sync", "ex.test")[0], True)
            self.assertIn("new1", read(ours.path("ex.test")))
            self.update(primary)
            ours.wait_serial(9)
            self.assertEqual(Dynamic.ndc(ours, "stop")[0], True)
            ours.process.wait(20)
            self.assertIn("new2", read(ours.path("ex.test")))
            self.assertNotIn("new2", read(primary.path("ex.test")))
            self.assertEqual(primary.ndc("halt")[0], True)
            primary.process.wait(20)
            self.assertNotIn("new2", read(primary.path("ex.test")))
            primary.start()
            self.assertEqual(primary.serial(), 9)
            self.assertEqual(primary.ndc("stop")[0], True)
            primary.process.wait(20)
            self.assertIn("new2", read(primary.path("ex.test")))
            primary.start()
            ours.start()

    def test_ixfr_from_differences_of_edited_files(self):
        with Primary() as ours:
            ours.write("named.conf", read(ours.path("named.conf")).replace("allow-update { key upd; };", "ixfr-from-differences yes;"))
            ours.process.terminate()
            ours.process.wait(10)
            ours.start()
            ours.write("ex.test", ZONE.replace(" 7 ", " 8 ") + "new8 A 192.0.2.8\n")
            ours.reload()
            self.assertEqual(serials(ixfr(ours.port, 7)), [8, 7, 8, 8])
            ours.write("ex.test", ZONE.replace(" 7 ", " 9 ") + "new9 A 192.0.2.9\n")
            self.assertEqual(ours.ndc("reload", "ex.test")[0], True)
            news = ixfr(ours.port, 7)
            self.assertEqual(serials(news), [9, 7, 9, 9])
            self.assertIn("new9.ex.test. 3600 in a 192.0.2.9", news)
            self.assertNotIn("new8", "".join(news))
            # Backwards there is no way: history begins anew.
            ours.write("ex.test", ZONE)
            ours.reload()
            self.assertGreater(len(ixfr(ours.port, 6)), 200)

    def test_a_large_zone_follows_change_by_change_and_survives(self):
        large = ZONE + "".join(f"h{i}.net{i % 100} A 10.{i // 65536}.{i // 256 % 256}.{i % 256}\n" for i in range(60000))
        with Primary(zone=large) as primary, Secondary(primary.port, more="allow-transfer { any; };") as ours:
            ours.wait_serial(7, 60)
            primary.also_notify(ours.port, "key xfer")
            start = time.monotonic()
            for serial in range(8, 18):
                self.update(primary)
            ours.wait_serial(17, 30)
            print(f"ten changes of 60,000 records arrived after {time.monotonic() - start:.1f} s", end=" ")
            self.assertIn("by IXFR in", ours.logged())
            self.assertNotIn("the whole zone is asked for", ours.logged())
            self.assertEqual(dig(ours.port, "h59999.net99.ex.test", "A", "+short").strip(), "10.0.234.95")
            self.assertEqual(dig(ours.port, f"new{self.number}.ex.test", "A", "+short").strip(), f"192.0.2.{self.number}")
            ours.process.kill()
            ours.process.wait(10)
            ours.start()
            ours.wait_serial(17, 30)
            self.assertEqual(whole(ours.port), primary.whole())

    def test_provide_and_request_ixfr_are_obeyed(self):
        with Primary(more="provide-ixfr no;") as primary:
            self.update(primary)
            self.assertGreater(len(ixfr(primary.port, 7)), 200)
        with Primary() as primary, Secondary(primary.port, more="request-ixfr no;") as ours:
            ours.wait_serial(7)
            primary.also_notify(ours.port, "key xfer")
            self.update(primary)
            ours.wait_serial(8)
            self.assertNotIn("IXFR", ours.logged())


class Expire(dns_peers.WithPeers):
    """EDNS EXPIRE (RFC 7314), out and in."""

    def told(self, port, kind="SOA"):
        found = re.search(r"EXPIRE: (\d+)", dig(port, "ex.test", kind, "+expire"))
        return int(found.group(1)) if found else None

    def test_a_primary_tells_its_own_time_and_a_chain_what_is_left(self):
        with Primary() as primary:
            self.assertEqual(self.told(primary.port), 604800)
            self.assertIsNone(self.told(primary.port, "NS"))
            with Secondary(primary.port, more="allow-transfer { any; };") as middle:
                middle.wait_serial(7)
                time.sleep(2.5)
                left = self.told(middle.port)
                self.assertLess(left, 604800)
                self.assertGreater(left, 604700)
                with Secondary(middle.port, more="allow-transfer { any; };") as last:
                    last.wait_serial(7)
                    self.assertLessEqual(self.told(last.port), left)
                    self.assertIn("XFR size", dig(last.port, "ex.test", "AXFR", "+expire"))
                    # A restart does not begin anew.
                    last.process.terminate()
                    last.process.wait(10)
                    last.start()
                    last.wait_serial(7)
                    self.assertLessEqual(self.told(last.port), left)

    def test_bind_gives_and_takes_the_time(self):
        with Bind('zone "ex.test" { type primary; file "z"; allow-transfer { key xfer; }; };', {"z": ZONE}, XFER) as bind:
            with Secondary(bind.port, more="allow-transfer { any; };") as ours:
                ours.wait_serial(7)
                self.assertGreater(self.told(ours.port), 604700)
                with Bind(f'zone "ex.test" {{ type secondary; file "copy"; primaries {{ 127.0.0.1 port {ours.port} key xfer; }}; }};',
                          keys=XFER) as last:
                    last.wait_serial("ex.test", 7)
                    self.assertGreater(self.told(last.port), 604700)

    def test_a_primary_without_edns_is_asked_again_without(self):
        class Old(FakePrimary):
            def answer(self, kind):
                if kind == "SOA" and self.asked["SOA"] % 2 == 1:
                    return [struct.pack(">HHHHHH", 0, 0x8401, 0, 0, 0, 0)]
                return super().answer(kind)

        with Old(1) as primary, Secondary(primary.port, key="") as ours:
            ours.wait_serial(1)
            self.assertEqual(primary.asked["SOA"], 2)


class NsupdateTo:
    """nsupdate to another server than one of ours."""

    def __init__(self, port):
        self.port = port

    nsupdate = Dynamic.nsupdate


if __name__ == "__main__":
    unittest.main()
