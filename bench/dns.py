#!/usr/bin/env python3
"""dns - named-lite against Debian's NSD, Knot and BIND on this machine, in turn, on the same zones

    bench/dns.py [--build DIR] [--rounds 5] [--seconds 5] [--only named-lite,nsd,…] [--records 1000000]
                 [--parts answers,latency,starts] [--json FILE]

The servers are unpacked from their packages into the build folder and run there, each with one thread or process on the
first core; dnsperf asks from the last one. What is compared is the CPU time that a server's processes need for a
question (its system calls included), since the client is too slow to tell the servers apart by questions a second. All
give minimal answers; the octets of a mean answer are printed, so that nobody wins by leaving something out (NSD alone
brings addresses with the name servers of a zone, 1 of 26 mail questions). Latency is that of 20,000 questions a second.
Figures are medians over the rounds, ratios to NSD medians of the ratios of the rounds.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tests", "e2e")]


def arguments():
    parser = argparse.ArgumentParser(description="Compare named-lite with NSD, Knot and BIND on this machine.")
    parser.add_argument("--build", default=os.path.join(HERE, "..", "build"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--only", default="nsd,named-lite,knot,bind")
    parser.add_argument("--parts", default="answers,latency,starts", help="some of answers, latency, starts")
    parser.add_argument("--json", help="write every round's figures to this file")
    return parser.parse_args()


OPTIONS = arguments()
os.environ.setdefault("UMAYA_BUILD", os.path.abspath(OPTIONS.build))

from cpu import CpuMeter, pss_kib, tree  # noqa: E402
import dns_peers  # noqa: E402

FIRST, LAST = 0, os.cpu_count() - 1
BIG, MAIL = "big.test", "mail.test"


def big_zone(records):
    yield f"$TTL 3600\n$ORIGIN {BIG}.\n@ SOA ns1 hostmaster 1 3600 900 604800 300\n@ NS ns1\n@ NS ns2\n"
    yield "ns1 A 10.0.0.1\nns2 A 10.0.0.2\n"
    for i in range(records - 5):
        yield f"h{i:06d} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n"


def big_questions(records, count=200000):
    """Nineteen of twenty exist, in no order that a cache could follow."""
    pick = random.Random(7)
    for _ in range(count):
        if pick.random() < 0.05:
            yield f"n{pick.randrange(10**6)}.{BIG} A\n"
        else:
            yield f"h{pick.randrange(records - 5):06d}.{BIG} A\n"


MAIL_ZONE = f"""$TTL 3600
$ORIGIN {MAIL}.
@ SOA ns1 hostmaster 1 3600 900 604800 300
@ NS ns1
@ NS ns2
@ MX 10 mx1
@ MX 20 mx2
@ A 192.0.2.80
@ AAAA 2001:db8::80
@ TXT "v=spf1 mx -all"
@ CAA 0 issue "ca.example.net"
ns1 A 192.0.2.1
ns1 AAAA 2001:db8::1
ns2 A 192.0.2.2
ns2 AAAA 2001:db8::2
mx1 A 192.0.2.25
mx1 AAAA 2001:db8::25
mx1 TXT "v=spf1 a -all"
mx2 A 192.0.2.26
mx2 AAAA 2001:db8::26
mx2 TXT "v=spf1 a -all"
_25._tcp.mx1 TLSA 3 1 1 {"ab" * 32}
_25._tcp.mx2 TLSA 3 1 1 {"cd" * 32}
www CNAME @
ftp CNAME @
imap A 192.0.2.30
smtp A 192.0.2.31
pop A 192.0.2.32
_imaps._tcp SRV 0 1 993 imap
_submission._tcp SRV 0 1 587 smtp
_submissions._tcp SRV 0 1 465 smtp
_pop3s._tcp SRV 0 1 995 pop
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{MAIL}"
s1._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
s2._domainkey TXT "v=DKIM1; k=rsa; p={"A" * 230}"
_mta-sts TXT "v=STSv1; id=20261126"
mta-sts A 192.0.2.33
_smtp._tls TXT "v=TLSRPTv1; rua=mailto:tls@{MAIL}"
autoconfig CNAME www
autodiscover CNAME www
* MX 10 mx1
list MX 10 mx1
"""
MAIL_QUESTIONS = ["@ MX", "@ MX", "@ MX", "mx1 A", "mx1 A", "mx1 AAAA", "mx2 A", "@ TXT", "_dmarc TXT", "@ A", "@ AAAA",
                  "s1._domainkey TXT", "s2._domainkey TXT", "_25._tcp.mx1 TLSA", "www A", "_imaps._tcp SRV", "@ NS",
                  "@ SOA", "mx1 TXT", "any.thing MX", "imap AAAA", "mta-sts A", "_mta-sts TXT", "no._domainkey TXT",
                  "list MX", "@ CAA"]


def mail_questions():
    for line in MAIL_QUESTIONS:
        name, kind = line.split()
        yield (MAIL if name == "@" else f"{name}.{MAIL}") + f" {kind}\n"


class Server:
    """One server with both zones, bound to the first core."""

    name = ""
    zones = (BIG, MAIL)
    probe = f"h000001.{BIG}"  # a name that has one address
    core = FIRST

    def __init__(self, work, zone_directory):
        self.zone_directory = zone_directory
        self.directory = os.path.join(work, self.name)
        os.makedirs(self.directory, exist_ok=True)
        self.port = dns_peers.free_port()
        self.meter = None

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def start(self):
        """Starts it; gives the seconds and the CPU seconds until it answers from the large zone."""
        self.meter = CpuMeter(self.name)

        def prepare():
            self.meter.join()
            os.sched_setaffinity(0, {self.core})

        self.log = open(self.path("log"), "w")
        began = time.monotonic()
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log, env=self.environment(),
                                        cwd=self.directory, preexec_fn=prepare)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() - began > 120:
                raise RuntimeError(f"{self.name} does not answer:\n" + open(self.path("log")).read()[-2000:])
            time.sleep(0.01)
        return time.monotonic() - began, self.cpu()

    def environment(self):
        return dns_peers.environment()

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.05)
            name = b"".join(bytes([len(x)]) + x.encode() for x in self.probe.split(".")) + b"\0"
            try:
                s.connect(("127.0.0.1", self.port))
                s.send(b"\0\1\1\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1")
                return s.recv(512)[7] == 1
            except OSError:
                return False

    def cpu(self):
        return self.meter.seconds(self.process.pid)

    def memory(self):
        return pss_kib(tree(self.process.pid)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.meter.close()
        self.log.close()


class Nsd(Server):
    name = "nsd"

    def command(self):
        zones = "".join(f'zone:\n  name: "{z}"\n  zonefile: "{self.zone_directory}/{z}.zone"\n' for z in self.zones)
        config = self.write("nsd.conf", f"""server:
  ip-address: 127.0.0.1
  port: {self.port}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{self.zone_directory}"
  pidfile: "{self.directory}/pid"
  xfrdfile: "{self.directory}/xfrd"
  zonelistfile: "{self.directory}/zones"
  xfrdir: "{self.directory}"
  minimal-responses: yes
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}""")
        return [dns_peers.program("nsd"), "-d", "-c", config]


class Knot(Server):
    name = "knot"

    def command(self):
        zones = "".join(f'  - domain: {z}\n    file: "{self.zone_directory}/{z}.zone"\n    zonefile-load: whole\n'
                        '    journal-content: none\n    zonefile-sync: -1\n' for z in self.zones)
        config = self.write("knot.conf", f"""server:
    rundir: "{self.directory}"
    listen: 127.0.0.1@{self.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{self.directory}"
log:
  - target: stderr
    any: warning
zone:
{zones}""")
        return [dns_peers.program("knotd"), "-c", config]


class Bind(Server):
    name = "bind"

    def command(self):
        zones = "".join(f'zone "{z}" {{ type primary; file "{self.zone_directory}/{z}.zone"; }};\n' for z in self.zones)
        config = self.write("named.conf", f"""options {{ directory "{self.directory}"; pid-file none; recursion no;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; session-keyfile none;
  notify no; minimal-responses yes; }};
controls {{ }};
{zones}""")
        return [dns_peers.program("named"), "-g", "-c", config, "-p", str(self.port), "-n", "1"]


class NamedLite(Server):
    name = "named-lite"

    def environment(self):
        return dict(os.environ)

    def command(self):
        zones = "".join(f'zone "{z}" {{ type primary; file "{z}.zone"; }};\n' for z in self.zones)
        config = self.write("named.conf", f"""options {{ directory "{self.zone_directory}"; pid-file "{self.directory}/pid";
  recursion no; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; notify no;
  minimal-responses yes; }};
{zones}""")
        return [os.path.join(os.path.abspath(OPTIONS.build), "libexec", "named-lite"), "-g", "-n", "1", "-c", config]


def dnsperf(server, questions, *more):
    done = subprocess.run(["taskset", "-c", str(LAST), "dnsperf", "-s", "127.0.0.1", "-p", str(server.port), "-d",
                           questions, "-l", str(OPTIONS.seconds), "-c", "4", "-T", "1", "-q", "100", "-t", "0.3", *more],
                          capture_output=True, text=True)
    return done.stdout


def ask(server, questions):
    """CPU microseconds a question, questions a second, octets of an answer."""
    before = server.cpu()
    said = dnsperf(server, questions)
    used = server.cpu() - before
    answered = int(re.search(r"Queries completed:\s+(\d+)", said).group(1))
    octets = int(re.search(r"response (\d+)", said).group(1))
    return {"us": used / max(answered, 1) * 1e6, "qps": answered / OPTIONS.seconds, "octets": octets}


def latency(server, questions):
    """Microseconds from question to answer under a steady load: the middle and the 99th percentile."""
    times = sorted(float(line.rsplit(None, 1)[1]) for line in dnsperf(server, questions, "-Q", "20000", "-v").splitlines()
                   if line.startswith("> ") and not line.startswith("> T"))
    return {"p50": times[len(times) // 2] * 1e6, "p99": times[len(times) * 99 // 100] * 1e6}


def show(title, figures, servers, unit, base="nsd"):
    """A line for each server: median, and the median of the ratios to one of them."""
    print(title)
    for server in servers:
        mine = figures[server.name]
        line = f"  {server.name:11} {statistics.median(mine):9.2f} {unit}"
        if base in figures and server.name != base:
            ratio = statistics.median(a / b for a, b in zip(mine, figures[base]))
            line += f"   {ratio:5.2f} x {base.upper() if base == 'nsd' else base.capitalize()}"
        print(line, flush=True)


def write_zones(work):
    with open(os.path.join(work, f"{BIG}.zone"), "w") as f:
        f.writelines(big_zone(OPTIONS.records))
    with open(os.path.join(work, f"{MAIL}.zone"), "w") as f:
        f.write(MAIL_ZONE)
    with open(os.path.join(work, "big.questions"), "w") as f:
        f.writelines(big_questions(OPTIONS.records))
    with open(os.path.join(work, "mail.questions"), "w") as f:
        f.writelines(mail_questions())


def measure_starts(servers, rounds, work):
    """Starts each server anew in each round; named-lite also without reading the text."""
    figures = {key: {s.name: [] for s in servers} for key in ("load", "load cpu", "restart", "restart cpu")}
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            for kept in [name for name in os.listdir(work) if name.endswith(".nlz")]:
                os.remove(os.path.join(work, kept))
            for kind in ("load", "restart"):
                wall, cpu = server.start()
                figures[kind][server.name].append(wall)
                figures[f"{kind} cpu"][server.name].append(cpu)
                server.stop()
    return figures


def measure_answers(servers, rounds, work):
    kinds = ("big us", "mail us", "big qps", "mail qps", "octets", "memory")
    figures = {key: {s.name: [] for s in servers} for key in kinds}
    for server in servers:
        server.start()
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            for zone in ("big", "mail"):
                one = ask(server, os.path.join(work, f"{zone}.questions"))
                figures[f"{zone} us"][server.name].append(one["us"])
                figures[f"{zone} qps"][server.name].append(one["qps"])
            figures["octets"][server.name].append(one["octets"])
            figures["memory"][server.name].append(server.memory())
    for server in servers:
        server.stop()
    return figures


def measure_latency(servers, rounds, work):
    figures = {key: {s.name: [] for s in servers} for key in ("p50", "p99")}
    for server in servers:
        server.start()
    for number in range(rounds):
        for server in servers if number % 2 == 0 else reversed(servers):
            for key, value in latency(server, os.path.join(work, "mail.questions")).items():
                figures[key][server.name].append(value)
    for server in servers:
        server.stop()
    return figures


def main():
    dns_peers.fetch()
    kinds = {kind.name: kind for kind in (Nsd, NamedLite, Knot, Bind)}
    with tempfile.TemporaryDirectory(prefix="umaya-bench-dns-") as work:
        write_zones(work)
        servers = [kinds[name](work, work) for name in OPTIONS.only.split(",")]
        figures = {}
        if "answers" in OPTIONS.parts:
            figures.update(measure_answers(servers, OPTIONS.rounds, work))
            show(f"answers, {OPTIONS.records} records: CPU of a question", figures["big us"], servers, "us")
            show("answers, mail zone: CPU of a question", figures["mail us"], servers, "us")
            show("answers, large zone: a second", figures["big qps"], servers, "")
            show("answers, mail zone: a second", figures["mail qps"], servers, "")
            show("answers, mail zone: mean size", figures["octets"], servers, "octets")
            show("memory (PSS of all processes)", figures["memory"], servers, "MiB")
        if "latency" in OPTIONS.parts:
            figures.update(measure_latency(servers, OPTIONS.rounds, work))
            show("latency at 20,000 a second: middle", figures["p50"], servers, "us")
            show("latency at 20,000 a second: 99th percentile", figures["p99"], servers, "us")
        if "starts" in OPTIONS.parts:
            figures.update(measure_starts(servers, OPTIONS.rounds, work))
            show("load: CPU", figures["load cpu"], servers, "s")
            show("load", figures["load"], servers, "s")
            show("start with unchanged zones: CPU", figures["restart cpu"], servers, "s")
            show("start with unchanged zones", figures["restart"], servers, "s")
    if OPTIONS.json:
        with open(OPTIONS.json, "w") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    main()
