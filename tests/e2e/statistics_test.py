"""What named-lite has counted, as JSON and for Prometheus, over HTTP and by ndc stats."""

import json
import os
import re
import signal
import socket
import subprocess
import unittest

from control_test import Controlled
from names_test import ZONE, question
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

    def curl(self, path, *options):
        done = subprocess.run(["curl", "-s", "--max-time", "10", *options, f"http://127.0.0.1:{self.http}{path}"],
                              capture_output=True, text=True, timeout=20)
        return done.stdout

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

    def json(self, path="/json/v1"):
        return json.loads(self.curl(path))


class Statistics(unittest.TestCase):
    def ask(self, server):
        for _ in range(10):
            server.udp("ex.test", "MX")
        server.udp("nope.ex.test")
        server.udp("elsewhere.test")
        server.tcp(question("mail.ex.test", "A"), question("mail.ex.test", "A"))

    def test_all_processes_are_summed_by_type_rcode_transport_view_and_zone(self):
        with Counted({"ex.test": ZONE}, "zone-statistics full;") as server:
            self.ask(server)
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
            text = server.curl("/metrics", "-i")
            self.assertIn("Content-Type: text/plain; version=0.0.4", text)
            seen = samples(server.curl("/metrics"))
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
            self.assertEqual(server.curl("/metrics"), "")
            self.assertIn("127.0.0.1 is not allowed", server.logged())

    def test_what_is_no_request_is_refused_and_others_are_served(self):
        with Counted({"ex.test": ZONE}) as server:
            with socket.create_connection(("127.0.0.1", server.http), 5) as s:
                s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                self.assertTrue(s.recv(4096).startswith(b"HTTP/1.1 400 "))
            idle = [socket.create_connection(("127.0.0.1", server.http), 5) for _ in range(40)]
            for each in idle:
                each.close()
            self.assertIn("/metrics", server.curl("/"))
            self.assertEqual(server.curl("/nothing", "-o", "/dev/null", "-w", "%{http_code}"), "404")
            self.assertEqual(server.curl("/metrics", "-I", "-w", "%{size_download}").splitlines()[-1], "0")

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

    def test_without_statistics_channels_there_is_no_endpoint(self):
        with Controlled({"ex.test": ZONE}) as server:
            self.assertNotIn("statistics on", server.logged())


if __name__ == "__main__":
    unittest.main()
