"""D40: a resolver under a flood of names that a slow authority answers all at once, or never (DNSBomb, random subdomains).

Resolver, attacker, victim, authority and a client have networks of their own; the attacker forges the victim's address.
"""

import json
import os
import subprocess
import threading
import unittest

import dns_bomb
import dns_peers
import dns_network
from dns_network import Network, sandbox
from umaya_instance import PATIENCE, SANITIZED

QUESTION_PROCESSES = 2  # of Named; each counts for itself
WAITING, LATE = 200, 20  # query/wait_limits.h
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "dns_bomb.py")
CONF = """options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { any; }; listen-on-v6 { none; };
  recursion yes; allow-recursion { any; }; %s };
zone "." { type hint; file "hints"; };
"""
HINTS = f". 3600000 NS ns.root.\nns.root. 3600000 A {dns_bomb.ROOT}\n"


def resident(pid):
    """KiB."""
    with open(f"/proc/{pid}/status") as f:
        return int(f.read().split("VmRSS:")[1].split()[0])


def most_within(times, seconds):
    """The most that happened within any time of this length."""
    times = sorted(times)
    most = first = 0
    for last, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


class Field:
    """The networks, with the resolver in the middle."""

    def __init__(self, net, hold, step=0, options=""):
        self.resolver, self.attacker, self.victim, self.authority, self.client = (
            net.host(name) for name in ("resolver", "attacker", "victim", "authority", "client"))
        for number, host in enumerate((self.attacker, self.victim, self.authority, self.client), 1):
            net.link(host, f"10.{number}.0.9/{16 if number == 2 else 24}", self.resolver, f"10.{number}.0.1/{16 if number == 2 else 24}")
            if host is not self.client:
                host.route("default", f"10.{number}.0.1")
        self.resolver.run("sh", "-c", "for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $f; done")
        # Whoever does not exist in the victim's network takes what is sent to it, too.
        self.victim.run("ip", "route", "add", "local", "10.2.0.0/16", "dev", "lo")
        for host in (dns_bomb.BOMB, dns_bomb.GOOD):
            self.authority.address(f"{host}/24", "authority-0")
        self.names = self.start(self.authority, "authority", str(hold), str(step))
        self.counter = self.start(self.victim, "count")
        self.server = net.named(self.resolver, CONF % options, {"hints": HINTS})
        self.pids = [int(pid) for pid in self.children() if self.role(pid).startswith(("named-query", "named-recurs"))]

    def children(self):
        with open(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children") as f:
            return f.read().split()

    @staticmethod
    def role(pid):
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()

    def start(self, host, *words):
        process = subprocess.Popen(host.command("python3", SCRIPT, *words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   preexec_fn=sandbox.die_with_parent)
        if words[0] in ("authority", "count"):
            process.stdout.readline()
        return process

    def memory(self):
        return sum(map(resident, self.pids))

    def attack(self, seconds, rate, network, rest):
        """Floods for so long and waits `rest` s more, while the client asks; all that was seen."""
        self.resolver.dig("10.4.0.1", "first.good.test")
        for number in range(5):  # the resolver learns that it has to wait for this authority
            self.resolver.dig("10.4.0.1", f"slow{number}.bomb.test", "+tries=1")
        self.memory_before, peak = self.memory(), []
        client = self.start(self.client, "client", str(seconds + rest))
        done = threading.Event()

        def watch():
            while not done.wait(0.2):
                peak.append(self.memory())
        watcher = threading.Thread(target=watch)
        watcher.start()
        flood = self.start(self.attacker, "flood", str(seconds), str(rate), network)
        self.sent = json.loads(flood.communicate(timeout=120)[0])
        self.waited = json.loads(client.communicate(timeout=120)[0])
        done.set()
        watcher.join()
        self.most_memory = max(peak)
        self.seen = json.loads(self.counter.communicate("", timeout=60)[0])
        told = json.loads(self.names.communicate("", timeout=60)[0])
        self.asked, self.released = told["asked"], told["released"]


@unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
class Bombs(dns_peers.WithPeers):
    fetch = staticmethod(dns_network.fetch)

    def check_others(self, field):
        """The client that is not part of it got all its answers, and memory stayed where it was."""
        self.assertGreater(len(field.waited), 20)
        self.assertNotIn(None, field.waited)
        waited = sorted(field.waited)
        self.assertLess(waited[len(waited) // 2], 0.1 * PATIENCE)
        self.assertLess(waited[-1], 1.5 * PATIENCE)
        self.assertLess(field.most_memory - field.memory_before, 16384 * (20 if SANITIZED else 1), "KiB")
        self.assertEqual([int(pid) for pid in field.children() if int(pid) in field.pids], field.pids, "nobody died")

    def pulses(self, field):
        """When the victim got answers that are much larger than what was sent in its name."""
        size = field.sent[1] / field.sent[0]
        small = [octets for _, octets, _ in field.seen if octets <= 2 * size]
        self.assertLessEqual(sum(small), 1.3 * field.sent[1] + 5000)
        return [at for at, octets, _ in field.seen if octets > 2 * size]

    def held(self, field):
        """Names that the authority kept back."""
        return {name for _, name, _ in field.asked if name[0] in "nm" and not name.startswith("ns.")}

    def test_D40_dnsbomb_answers_that_were_kept_back_for_long_come_twenty_a_second(self):
        with Network() as net:
            field = Field(net, hold=2.6, step=1.3)
            field.attack(0.1, 4000, "10.2.0.9/32", 6)  # all of them have waited for more than 1.9 s then
            self.check_others(field)
            self.assertGreater(field.sent[0], 300)
            self.assertIsNotNone(field.released)
            large = self.pulses(field)
            self.assertGreater(len(large), 10, "the authority did let its answers go, and some reached the victim")
            self.assertLessEqual(most_within(large, 1), LATE * QUESTION_PROCESSES)
            self.assertLessEqual(len(self.held(field)), 2 * WAITING * QUESTION_PROCESSES, "so many wait for one network, each with its alias")

    def test_D40_dnsbomb_a_pulse_is_never_larger_than_what_may_wait_for_one_network(self):
        with Network() as net:
            field = Field(net, hold=1.5, options="fetches-per-zone 0; fetches-per-server 0;")  # an attacker has many of both
            field.attack(8, 500, "10.2.0.9/32", 3)
            self.check_others(field)
            self.assertGreater(field.sent[0], 3000)
            large = self.pulses(field)
            self.assertGreater(len(large), 100)
            self.assertLessEqual(most_within(large, 0.5), WAITING * QUESTION_PROCESSES)
            self.assertLess(len(large), 0.5 * field.sent[0], "most are told to ask over TCP")

    def test_D40_random_names_of_a_zone_that_is_silent_take_its_share_and_no_more(self):
        with Network() as net:
            field = Field(net, hold=0)
            field.attack(6, 1500, "10.2.0.0/16", 2)
            self.check_others(field)
            self.assertGreater(field.sent[0], 5000)
            flood = [(at, name) for at, name, _ in field.asked if name.startswith("n") and not name.startswith("ns.")]
            names = {name for _, name in flood}
            self.assertGreater(len(names), 50)
            # fetches-per-zone is 200: a fetch takes seconds until it is given up, and each asks a few times.
            self.assertLessEqual(len(names), 1200)
            self.assertLessEqual(len(flood), 4800)
            first = [name for at, name in flood if at < flood[0][0] + 1]
            self.assertLessEqual(len(set(first)), 210)


if __name__ == "__main__":
    unittest.main()
