"""dns_tree - a DNS of its own in a network namespace: a root, a top level domain, a leaf, and servers with faults

    with Tree(work) as tree, Resolver(directory, "deny-answer-addresses { 10.0.0.0/8; };") as resolver:
        cost = resolver.ask("www.leaf.test", "A")        # cost.answer, cost.queries, cost.cpu

The root is NSD, .test and the lame server are BIND, the leaf is named-lite, the liars are lying_server.py; nftables drops
what goes to DEAD. It counts the questions of the resolver on the wire, too. Runs inside of tests/support/sandbox.py.
"""

import os
import re
import subprocess
import time
from collections import namedtuple

import dns_peers
import lying_server
from dns_peers import sandbox
from dns_wire import RD, Edns, Message, ask, question
from lying_server import RESOLVER
from umaya_instance import BUILD, wait_for

ROOT, TLD, LEAF, LAME, DEAD, CLIENT = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "10.0.0.99"
NOBODY = "192.0.2.192/26"  # addresses that exist as little as DEAD
PROGRAM = os.path.join(BUILD, "libexec", "named-lite")
FILTER = ["nftables", "libnftables1", "libnftnl11", "libxtables12", "libjansson4", "libmnl0", "libgmp10", "libbsd0"]
SOA = "@ SOA {host} root 1 3600 900 604800 60\n@ NS {host}\n"
ROOT_ZONE = f"$TTL 3600\n. SOA a.root. root. 1 3600 900 604800 60\n. NS a.root.\na.root. A {ROOT}\ntest. NS ns.test.\nns.test. A {TLD}\n"
TEST_ZONE = f"""$TTL 3600
{SOA.format(host="ns")}ns A {TLD}
leaf NS ns1.leaf
leaf NS ns2.leaf
ns1.leaf A {LEAF}
ns2.leaf A {DEAD}
lame NS ns.lame
ns.lame A {LAME}
half-lame NS ns.lame
half-lame NS ns1.leaf
half-dead NS ns.dead
half-dead NS ns1.leaf
dead NS ns.dead
ns.dead A {DEAD}
glueless NS ns2.other-leaf
other-leaf NS ns1.leaf
cyclic1 NS ns.cyclic2
cyclic2 NS ns.cyclic1
self NS ns.self
self-address NS ns.self-address
ns.self-address A {RESOLVER}
"""
LEAF_ZONE = f"""$TTL 300
{SOA.format(host="ns1.leaf.test.")}ns1 A {LEAF}
ns2 A {LEAF}
www A 198.51.100.20
www AAAA 2001:db8::20
mail A 198.51.100.25
@ MX 10 mail
alias CNAME www
below DNAME leaf.test.
{"".join(f"many A 198.51.100.{i}{chr(10)}" for i in range(1, 100))}
"""
LEAF_ZONES = ("leaf", "half-lame", "half-dead", "glueless", "other-leaf")
RULES = f"""table ip resolver {{
  counter by_udp {{ }}
  counter by_tcp {{ }}
  counter may_be_cut {{ }}
  chain out {{
    type filter hook output priority 0;
    ip saddr {RESOLVER} udp dport 53 counter name by_udp
    ip saddr {RESOLVER} udp dport 53 ip frag-off & 0x4000 == 0 counter name may_be_cut
    ip saddr {RESOLVER} tcp dport 53 tcp flags & (syn | ack) == syn counter name by_tcp
  }}
  chain in {{
    type filter hook input priority 0;
    ip daddr {{ {DEAD}, {NOBODY} }} drop
  }}
}}
"""
Cost = namedtuple("Cost", "answer queries cpu seconds")


def fetch():
    dns_peers.fetch()
    sandbox.download(FILTER, dns_peers.STORE)


def environment():
    roots = [os.path.join(dns_peers.STORE, package) for package in dns_peers.PACKAGES + FILTER]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(f"{root}/{place}/x86_64-linux-gnu" for root in roots
                                                     for place in ("usr/lib", "lib")))


def nft(*words, text=None):
    path = os.path.join(dns_peers.STORE, "nftables", "usr", "sbin", "nft")
    done = subprocess.run([path, *words], input=text, capture_output=True, text=True, env=environment(), timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"nft: {done.stderr}")
    return done.stdout


def packets(counter):
    return int(re.search(r"packets (\d+)", nft("list", "counter", "ip", "resolver", counter)).group(1))


class Program:
    """A server in a directory of its own."""

    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        os.chmod(directory, 0o755)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def launch(self, *command):
        self.log = open(self.path("log"), "w+")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment(), cwd=self.directory,
                                        preexec_fn=sandbox.die_with_parent)

    def logged(self):
        with open(self.path("log"), errors="replace") as f:
            return f.read()

    def close(self):
        """May be called again."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.log.close()


class Tree:
    def __init__(self, work):
        for address in (ROOT, TLD, LEAF, LAME, DEAD, RESOLVER, CLIENT, lying_server.ELSEWHERE, *lying_server.ADDRESSES.values()):
            subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
        subprocess.run(["ip", "route", "add", "local", NOBODY, "dev", "lo"], check=True)
        nft("-f", "-", text=RULES)
        self.liar = lying_server.LyingServer()
        self.servers = [self.root(work), self.test(work), self.leaf(work)]
        for address, name in ((ROOT, ""), (TLD, "test"), (LEAF, "leaf.test"), (LAME, "lame.test")):
            wait_for(lambda a=address, n=name: ask(53, question(n, "SOA"), host=a, seconds=1), 20, f"{address} answers")

    def root(self, work):
        nsd = Program(os.path.join(work, "root"))
        nsd.write("root.zone", ROOT_ZONE)
        nsd.write("nsd.conf", f"""server:
  ip-address: {ROOT}
  username: ""
  zonesdir: "{nsd.directory}"
  xfrdfile: "{nsd.path('xfrd.state')}"
  xfrdir: "{nsd.directory}"
  pidfile: "{nsd.path('pid')}"
  zonelistfile: "{nsd.path('zone.list')}"
  database: ""
  server-count: 1
remote-control:
  control-enable: no
zone:
  name: "."
  zonefile: "root.zone"
""")
        nsd.launch(dns_peers.program("nsd"), "-d", "-c", nsd.path("nsd.conf"))
        return nsd

    def test(self, work):
        bind = Program(os.path.join(work, "test"))
        bind.write("test.zone", TEST_ZONE + lying_server.delegations())
        bind.write("named.conf", f"""options {{ directory "{bind.directory}"; pid-file none; recursion no; notify no;
  listen-on {{ {TLD}; {LAME}; }}; listen-on-v6 {{ none; }}; dnssec-validation no; session-keyfile none;
  rate-limit {{ responses-per-second 0; }}; }};
controls {{ }};
zone "test" {{ type primary; file "test.zone"; check-names ignore; }};
""")
        bind.launch(dns_peers.program("named"), "-g", "-c", bind.path("named.conf"), "-n", "1")
        return bind

    def leaf(self, work):
        leaf = Program(os.path.join(work, "leaf"))
        leaf.write("leaf.zone", LEAF_ZONE)
        zones = "".join(f'zone "{name}.test" {{ type primary; file "leaf.zone"; }};\n' for name in LEAF_ZONES)
        leaf.write("named.conf", f'options {{ directory "{leaf.directory}"; pid-file "{leaf.path("pid")}"; recursion no; '
                                 f"notify no; listen-on {{ {LEAF}; }}; listen-on-v6 {{ none; }}; }};\n{zones}")
        leaf.launch(PROGRAM, "-g", "-n", "1", "-c", leaf.path("named.conf"))
        return leaf

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.liar.__exit__()
        for server in self.servers:
            server.close()


class Resolver(Program):
    """named-lite that recurses for CLIENT and this host; options: further statements of its options."""

    def __init__(self, directory, options="", statements="", allow="any"):
        super().__init__(directory)
        self.write("hints", f". 3600000 NS a.root.\na.root. 3600000 A {ROOT}\n")
        self.write("named.conf", f"""options {{ directory "{directory}"; pid-file "{self.path('pid')}"; recursion yes;
  allow-recursion {{ {allow}; }}; query-source address {RESOLVER}; listen-on {{ {RESOLVER}; 127.0.0.1; }};
  listen-on-v6 {{ none; }}; {options} }};
zone "." {{ type hint; file "hints"; }};
{statements}""")
        self.launch(PROGRAM, "-g", "-n", "1", "-c", self.path("named.conf"))
        wait_for(lambda: "running" in self.logged() or self.process.poll() is not None, 10, "named-lite runs")
        if self.process.poll() is not None:
            raise AssertionError(self.logged())

    def packet(self, name, kind="A", flags=RD, edns=Edns(), number=0x1234):
        return question(name, kind, flags, edns, number=number)

    def send(self, packet, tcp=False, seconds=15):
        answer = ask(53, packet, tcp=tcp, seconds=seconds, host="127.0.0.1")
        if answer is None:
            raise AssertionError(f"no answer within {seconds} s\n{self.logged()}")
        return Message(answer)

    def ask(self, name, kind="A", flags=RD, edns=Edns(), tcp=False):
        """Asks, waits until nobody is asked any more, and says what that has cost."""
        asked, cpu, start = self.upstream(), self.cpu(), time.monotonic()
        answer = self.send(self.packet(name, kind, flags, edns), tcp)
        took = time.monotonic() - start
        self.wait_quiet()
        return Cost(answer, self.upstream() - asked, self.cpu() - cpu, took)

    def wait_quiet(self, pause=0.2):
        """Until no question was sent for a while."""
        last, since = self.upstream(), time.monotonic()
        while time.monotonic() - since < pause:
            time.sleep(0.05)
            if self.upstream() != last:
                last, since = self.upstream(), time.monotonic()

    @staticmethod
    def upstream():
        return packets("by_udp") + packets("by_tcp")

    def processes(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return [int(pid) for pid in f.read().split()]

    def role(self, name):
        for pid in self.processes():
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == f"named-{name}":
                    return pid
        raise AssertionError(f"there is no {name} process")

    def cpu(self):
        """Seconds of all processes, as the scheduler counts them."""
        total = 0
        for pid in self.processes():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def memory(self, role="recursion"):
        """KiB."""
        with open(f"/proc/{self.role(role)}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
