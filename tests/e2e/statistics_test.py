"""What named-lite has counted, as JSON and for Prometheus, over HTTP and by ndc stats."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import struct
import time
import unittest

import dns_wire as wire
from control_test import Controlled
from dns_wire import Message
from names_test import ZONE, question, rcode
from recursion_test import Forwarder
from umaya_instance import free_port, wait_for

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ([0-9.e+-]+|\+Inf|NaN)")


def samples(text):
    """{series: value} of a text in Prometheus' format 0.0.4; fails where it is not."""
    assert text.endswith("\n")
    result, kinds, current = {}, {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split(" ")[2]
            assert current not in kinds, f"family {current} is there twice"
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == current and kind in ("counter", "gauge", "histogram"), line
            kinds[name] = kind
            continue
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line}"
        family = match[1]
        if family not in kinds:
            family = re.sub("_(bucket|sum|count)$", "", family)
            assert kinds.get(family) == "histogram", line
        assert family == current, f"{line} stands outside of its family"
        series = line.rsplit(" ", 1)[0]
        assert series not in result, f"{series} is there twice"
        result[series] = float(match[3])
    return result


class Counted(Controlled):
    def __init__(self, zones, extra="", allow="", more=""):
        self.http = free_port()
        channel = f"statistics-channels {{ inet 127.0.0.1 port {self.http} {allow}; }};\n"
        super().__init__(zones, extra, more=channel + more)

    def request(self, path, method="GET"):
        """The response and its body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.http, timeout=10)) as connection:
            connection.request(method, path)
            response = connection.getresponse()
            return response, response.read().decode()

    def get(self, path):
        return self.request(path)[1]

    def kill_query_processes(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            children = [int(pid) for pid in f.read().split()]
        queries = []
        for pid in children:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().startswith("named-query"):
                    queries.append(pid)
        for pid in queries:
            os.kill(pid, signal.SIGKILL)
        return len(queries)

    def counts(self):
        """All counts by BIND's names."""
        seen = self.json("/json/v1/server")
        return {name: number for part in ("nsstats", "zonestats", "resstats", "cachestats") for name, number in seen[part].items()}

    def json(self, path="/json/v1"):
        return json.loads(self.get(path))


COOKIE = 10


def seen_by_name(text):
    """Counts that tests look at by name."""
    return set(re.findall(r'\["(?:nsstats|cachestats)"\]\["(\w+)"\]', text)) | set(re.findall(r'counts\(\)\["(\w+)"\]', text))


def cookie_question(cookie):
    return wire.question("ex.test", "MX", edns=wire.Edns(options=[(COOKIE, cookie)]))


def update(server, zone="ex.test", absent=(), additions=(), source="127.0.0.1"):
    """An UPDATE; absent: names that must not be there. Gives the response code."""
    packet = struct.pack(">HHHHHH", 9, 5 << 11, 1, len(absent), len(additions), 0) + wire.wire_name(zone) + struct.pack(">HH", 6, 1)
    for name in absent:
        packet += wire.wire_name(name) + struct.pack(">HHIH", 255, 254, 0, 0)
    for name, kind, data in additions:
        packet += wire.wire_name(name) + struct.pack(">HHIH", wire.TYPES[kind], 1, 60, len(data)) + data
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.bind((source, 0))
        s.sendto(packet, ("127.0.0.1", server.port))
        return rcode(s.recv(512))


def allow_update(server):
    with open(server.path("named.conf")) as f:
        text = f.read()
    server.write("named.conf", text.replace('file "ex.test";', 'file "ex.test"; allow-update { 127.0.0.1; };'))
    server.reload()


def recursing(forwarder, extra=""):
    return Counted({"ex.test": ZONE}, f"recursion yes; forward only; forwarders port {forwarder.port} {{ 127.0.0.1; }}; {extra}")


class Statistics(unittest.TestCase):
    def ask(self, server):
        for _ in range(10):
            server.udp("ex.test", "MX")
        server.udp("nope.ex.test")
        server.udp("elsewhere.test")
        server.tcp(question("mail.ex.test", "A"), question("mail.ex.test", "A"))

    def settle(self, server):
        """An answer's time is counted once it has been sent: its client may have it before."""
        wait_for(lambda: sum(server.json()["latency"]["counts"]) >= 12, 10, "what was answered is counted")

    def test_all_processes_are_summed_by_type_rcode_transport_view_and_zone(self):
        with Counted({"ex.test": ZONE}, "zone-statistics full;") as server:
            self.ask(server)
            self.settle(server)
            seen = server.json()
            self.assertEqual(seen["qtypes"], {"A": 4, "MX": 10})
            self.assertEqual(seen["rcodes"], {"NOERROR": 12, "NXDOMAIN": 1, "REFUSED": 1})
            self.assertEqual((seen["nsstats"]["QryUDP"], seen["nsstats"]["QryTCP"]), (12, 2))
            self.assertEqual(sum(seen["latency"]["counts"]), 12)
            view = seen["views"]["_default"]
            self.assertEqual(view["queries"]["queries"], 14)
            zone = {"name": "ex.test", "class": "IN", "type": "primary", "serial": 1,
                    "queries": {"queries": 13, "success": 12, "nxdomain": 1}}
            self.assertEqual(view["zones"], [zone])
            self.assertNotIn("views", server.json("/json/v1/server"))

    def test_prometheus_reads_the_text(self):
        with Counted({"ex.test": ZONE}, "zone-statistics full;") as server:
            self.ask(server)
            self.settle(server)
            response, text = server.request("/metrics")
            self.assertTrue(response.getheader("Content-Type").startswith("text/plain; version=0.0.4"))
            seen = samples(text)
            self.assertEqual(seen['named_queries_total{type="MX"}'], 10)
            self.assertEqual(seen['named_responses_total{rcode="NXDOMAIN"}'], 1)
            self.assertEqual(seen['named_response_seconds_bucket{le="+Inf"}'], 12)
            self.assertEqual(seen['named_zone_serial{view="_default",zone="ex.test"}'], 1)
            self.assertEqual(seen['named_zone_queries_total{view="_default",zone="ex.test",result="success"}'], 12)

    def test_counts_outlive_the_death_of_a_process_and_a_reload(self):
        with Counted({"ex.test": ZONE}, "zone-statistics full;") as server:
            self.ask(server)
            self.assertEqual(server.ndc("reload")[0], 0)
            killed = server.kill_query_processes()
            self.assertGreater(killed, 0)
            wait_for(lambda: server.logged().count("is started again in") == killed, 10, "the deaths are noticed")
            self.ask(server)
            self.assertEqual(server.json()["qtypes"]["MX"], 20)
            self.assertEqual(server.json()["views"]["_default"]["zones"][0]["queries"]["queries"], 26)

    def test_zones_are_counted_only_with_zone_statistics_full(self):
        with Counted({"ex.test": ZONE}) as server:
            self.ask(server)
            self.assertEqual(server.json()["views"]["_default"]["zones"][0]["queries"], {})

    def test_who_is_not_allowed_gets_nothing(self):
        with Counted({"ex.test": ZONE}, allow="allow { 192.0.2.1; }") as server:
            with self.assertRaises((ConnectionError, http.client.RemoteDisconnected)):
                server.get("/metrics")
            self.assertIn("127.0.0.1 is not allowed", server.logged())

    def test_what_is_no_request_is_refused_and_others_are_served(self):
        with Counted({"ex.test": ZONE}) as server:
            with socket.create_connection(("127.0.0.1", server.http), 5) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 400 "))
            idle = [socket.create_connection(("127.0.0.1", server.http), 5) for _ in range(40)]
            for each in idle:
                each.close()
            self.assertIn("/metrics", server.get("/"))
            self.assertEqual(server.request("/nothing")[0].status, 404)
            with socket.create_connection(("127.0.0.1", server.http), 5) as s:
                s.sendall(b"HEAD /metrics HTTP/1.0\r\n\r\n")
                self.assertTrue(s.makefile("rb").read().endswith(b"\r\n\r\n"), "nothing follows the header")

    def test_ndc_stats_appends_to_the_statistics_file(self):
        with Counted({"ex.test": ZONE}) as server:
            self.ask(server)
            for _ in range(2):
                code, text = server.ndc("stats")
                self.assertEqual(code, 0, text)
            with open(server.path("named.stats")) as f:
                text = f.read()
            self.assertEqual(text.count("+++ Statistics Dump +++"), 2)
            self.assertIn("                  10 MX\n", text)
            self.assertIn("questions: 12 over UDP, 2 over TCP", server.ndc("status")[1])

    def test_questions_are_counted_by_how_they_came_and_ended(self):
        zone = ZONE + "sub NS ns.sub\nns.sub A 192.0.2.3\n" + "".join(f'big TXT "{i}{"x" * 200}"\n' for i in range(9))
        with Counted({"ex.test": zone, "broken.test": "nonsense\n"}) as server:
            before = server.counts()
            server.udp("ex.test", "MX")
            server.udp("mail.ex.test", "TXT")
            server.udp("nobody.ex.test")
            server.udp("www.sub.ex.test")
            server.udp("www.broken.test")
            server.udp("big.ex.test", "TXT")
            server.tcp(question("mail.ex.test", "A"))
            server.udp_packet(wire.question("ex.test", "MX", edns=wire.Edns(flags=0x8000)))
            server.udp_packet(question("ex.test", "A")[:4] + b"\0\2" + question("ex.test", "A")[6:])
            self.moved(server, before, Requestv4=9, QryUDP=8, QryTCP=1, ReqEdns0=1, ReqDO=1, Response=9, TruncatedResp=1,
                       QrySuccess=4, QryNxrrset=1, QryNXDOMAIN=1, QryReferral=1, QrySERVFAIL=1, QryFORMERR=1,
                       QryAuthAns=6, QryNoauthAns=3)
            tsig = wire.wire_name("nokey") + struct.pack(">HHIH", 250, 255, 0, 45) + wire.wire_name("hmac-sha256")
            tsig += bytes(6) + b"\1\x2c" + b"\0\x10" + bytes(16) + bytes(6)
            packet = question("ex.test", "A")
            server.udp_packet(packet[:10] + b"\0\1" + packet[12:] + tsig)
            self.moved(server, before, ReqTSIG=1, ReqBadSIG=1)

    def test_refusals_are_counted_by_what_was_wanted(self):
        with Counted({"ex.test": ZONE}, "zone-statistics full; ") as server:
            before = server.counts()
            server.udp("elsewhere.test")
            server.udp_packet(question("elsewhere.test", "A", flags=0))
            self.moved(server, before, RecQryRej=1, AuthQryRej=1)
            server.tcp(wire.question("ex.test", "AXFR"))
            self.moved(server, before, XfrRej=1)

    def moved(self, server, before, **expected):
        """Each of these has grown by so much since; a callable says whether it is enough."""
        def differences():
            now = server.counts()
            return {name: now[name] - before[name] for name in expected}

        def fits(found):
            return all(want(found[name]) if callable(want) else found[name] == want for name, want in expected.items())
        wait_for(lambda: fits(differences()), 10, f"{differences()} instead of {expected}")

    def test_rate_limits_cookies_and_connections_are_counted(self):
        limit = "rate-limit { responses-per-second 2; window 1; slip 2; };"
        with Counted({"ex.test": ZONE}, limit) as server:
            before = server.counts()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                for number in range(40):
                    s.sendto(question("ex.test", "MX", number), ("127.0.0.1", server.port))
            self.moved(server, before, RateDropped=lambda n: n > 10, RateSlipped=lambda n: n > 10,
                       QryDropped=lambda n: n > 10)
            first = Message(server.tcp(cookie_question(b"12345678"))[0]).option(COOKIE)
            for cookie in (first, first, b"12345678" + bytes(16)):
                server.tcp(cookie_question(cookie))
            self.moved(server, before, CookieIn=4, CookieNew=1, CookieMatch=2, CookieNoMatch=1, TCPConn=4, TCPConnNow=0,
                       ReqEdns0=4)
            with socket.create_connection(("127.0.0.1", server.port), 5):
                self.moved(server, before, TCPConn=5, TCPConnNow=1)
            self.moved(server, before, TCPConnNow=0)
            server.udp_packet(wire.question("ex.test", "MX", edns=wire.Edns(version=1, options=[(COOKIE, first)])))
            self.moved(server, before, ReqBadEDNSVer=1)

    def test_cache_and_other_servers_are_counted(self):
        with Forwarder() as far, recursing(far) as server:
            before = server.counts()
            for _ in range(5):
                server.udp("www.far.test")
            self.moved(server, before, CacheHits=4, CacheMisses=1, QryRecursion=1, Queryv4=1, CacheNodes=2,
                       TreeMemInUse=lambda n: n > 1000)
            server.udp("nothing.far.test")
            self.moved(server, before, NXDOMAIN=1, Queryv4=2)
            server.udp("refuse.far.test")
            server.udp("fail.far.test")
            self.moved(server, before, OtherError=lambda n: n > 0, SERVFAIL=lambda n: n > 0, Lame=lambda n: n > 0)
            server.udp("lie.far.test")
            self.moved(server, before, Mismatch=1)
            server.udp("old.far.test")
            self.moved(server, before, FORMERR=1, EDNS0Fail=1, Retry=lambda n: n > 0)
            server.udp("cut.far.test")
            self.moved(server, before, QueryTCP=lambda n: n > 0)
            slow = [question("slow.far.test", "A", number) for number in range(3)]
            server.tcp(*slow)
            self.moved(server, before, Merged=2)
            server.udp("never.far.test", timeout=15)
            self.moved(server, before, QueryTimeout=lambda n: n > 0)
            seen = server.json()
            self.assertGreater(seen["upstream-qtypes"]["A"], 8)
            self.assertGreater(sum(seen["upstream-rtt"]["counts"]), 5)
            view = seen["views"]["_default"]
            self.assertEqual((view["cache-hits"], view["cache-misses"]), (4, seen["cachestats"]["CacheMisses"]))
            self.assertEqual(seen["rcodes"]["NXDOMAIN"], 1, "answers that came later are counted, too")
            self.assertEqual(seen["nsstats"]["Response"], sum(seen["qtypes"].values()))

    def test_answers_that_give_way_to_others_are_counted(self):
        with Forwarder() as far, recursing(far, "max-cache-size 2m;") as server:
            before = server.counts()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(10)
                for number in range(9000):
                    s.sendto(question(f"n{number}.{'x' * 60}.{'y' * 60}.far.test", "A", number), ("127.0.0.1", server.port))
                    if number >= 50:
                        s.recv(4096)
                for _ in range(50):
                    s.recv(4096)
            self.moved(server, before, DeleteLRU=lambda n: n > 1000, TreeMemInUse=lambda n: n < 4 << 20)
            self.assertEqual(server.ndc("flush")[0], 0)
            self.moved(server, before, CacheNodes=0)

    def test_what_is_fetched_before_its_end_and_what_is_too_much_is_counted(self):
        with Forwarder() as far, recursing(far, "recursive-clients 3; prefetch 10 16; max-cache-ttl 16;") as server:
            before = server.counts()
            server.udp("www.far.test")
            time.sleep(7)
            server.udp("www.far.test")
            self.moved(server, before, Prefetch=1)

    def test_updates_are_counted_by_their_outcome(self):
        with Counted({"ex.test": ZONE}) as server:
            allow_update(server)
            before = server.counts()
            new = [("new.ex.test", "A", b"\xc0\0\2\x09")]
            self.assertEqual(update(server, additions=new), 0)
            self.assertEqual(update(server, absent=["new.ex.test"], additions=new), 6)
            self.assertEqual(update(server, additions=new, source="127.0.0.2"), 5)
            self.assertEqual(update(server, zone="other.test", additions=new), 9)
            self.moved(server, before, UpdateDone=1, UpdateBadPrereq=1, UpdateRej=2, UpdateFail=0)
            self.assertEqual(server.json()["opcodes"]["UPDATE"], 4)
            zones = {zone["name"]: zone["queries"] for zone in server.json()["views"]["_default"]["zones"]}
            self.assertEqual(zones["ex.test"].get("updates"), 1, "those that were done count by zone")
            self.assertEqual(update(server, additions=[("new.other.", "A", bytes(4))]), 10)
            self.moved(server, before, UpdateFail=1)

    def test_transfers_and_notifies_are_counted_on_both_sides(self):
        with Counted({"ex.test": ZONE}, "allow-transfer { any; };") as primary:
            with Counted({}, more=f'zone "ex.test" {{ type secondary; primaries port {primary.port} {{ 127.0.0.1; }}; }};\n') as other:
                wait_for(lambda: rcode(other.udp("ex.test", "MX")) == 0, 10, "the zone is transferred")
                self.assertEqual(other.counts()["XfrSuccess"], 1)
                self.assertEqual(primary.counts()["XfrReqDone"], 1)
                before, there = primary.counts(), other.counts()
                primary.extra += f" also-notify {{ 127.0.0.1 port {other.port}; }};"
                primary.configure(["ex.test"])
                primary.write("ex.test", ZONE.replace(" 1 3600", " 2 3600"))
                primary.reload()
                self.moved(primary, before, NotifyOut=lambda n: n >= 1, XfrReqDone=1)
                self.moved(other, there, NotifyIn=lambda n: n >= 1, XfrSuccess=1)
                primary.tcp(wire.question("ex.test", "AXFR"))
                self.moved(primary, before, XfrReqDone=2)
                primary.extra = primary.extra.replace("allow-transfer { any; };", "allow-transfer { none; };")
                primary.configure(["ex.test"])
                primary.write("ex.test", ZONE.replace(" 1 3600", " 3 3600"))
                primary.reload()
                self.moved(other, there, XfrFail=lambda n: n >= 1)
                self.moved(primary, before, XfrRej=lambda n: n >= 1)

    def test_a_transfer_that_breaks_off_is_counted(self):
        big = ZONE + "".join(f"h{i} A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}\n" for i in range(200000))
        with Counted({"ex.test": big}, "allow-transfer { any; };") as server:
            before = server.counts()
            packet = wire.question("ex.test", "AXFR")
            with socket.create_connection(("127.0.0.1", server.port), 5) as s:
                s.sendall(struct.pack(">H", len(packet)) + packet)
                s.recv(100)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.moved(server, before, XfrReqFail=1)

    def test_no_count_is_there_that_nothing_moves(self):
        """Counts that no test above has seen move are named here, with the reason."""
        unmoved = {"Queryv6", "Requestv6", "Unreachable", "QueryQuota", "XfrReqIxfr"}  # IPv6, routes, floods, IXFR
        with open(__file__) as f:
            text = f.read().split("def test_no_count")[0]
        with Counted({"ex.test": ZONE}) as server:
            known = set(re.findall(r"\b([A-Z]\w+)=", text)) | unmoved | seen_by_name(text)
            self.assertEqual(set(server.counts()) - known, set())

    def test_without_statistics_channels_there_is_no_endpoint(self):
        with Controlled({"ex.test": ZONE}) as server:
            self.assertNotIn("statistics on", server.logged())


if __name__ == "__main__":
    unittest.main()
