"""dns_network - hosts with networks of their own, for stories in which it matters who asks from where

    with Network() as net:
        inside, server = net.host("inside"), net.host("server")
        net.link(inside, "10.0.0.7/24", server, "10.0.0.1/24")
        names = net.named(server, conf, {"zone": text})
        inside.dig("10.0.0.1", "www.ex.test", "A", "+short")

A host is a network namespace that a sleeping process holds; everything ends with the network. Needs root; the programs of
dns_peers (dig, nsupdate) and nft are Debian's, unpacked into the build folder.
"""

import os
import signal
import subprocess
import tempfile

import dns_peers
from dns_peers import STORE, sandbox
from umaya_instance import BUILD, wait_for

PROGRAM = os.path.join(BUILD, "libexec", "named-lite")
FILTER = ["nftables", "libnftables1", "libnftnl11", "libmnl0", "libjansson4", "libxtables12", "libgmp10", "libbsd0", "libmd0",
          "libedit2"]


def fetch():
    """Unpacks the programs; raises RuntimeError when they cannot be had."""
    dns_peers.fetch()
    sandbox.download(FILTER, STORE)


class Host:
    def __init__(self, name):
        dns_peers.provide_ip()
        self.name = name
        self.links = 0
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"], preexec_fn=sandbox.die_with_parent)
        self.namespace = f"/proc/{self.holder.pid}/ns/net"
        own = os.readlink("/proc/self/ns/net")
        wait_for(lambda: os.readlink(self.namespace) != own, 10, f"{name} has a network of its own")
        self.run("ip", "link", "set", "lo", "up")

    def command(self, *words):
        return ["nsenter", f"--net={self.namespace}", *words]

    def run(self, *words, **options):
        return subprocess.run(self.command(*words), check=True, capture_output=True, text=True, timeout=60, **options)

    def address(self, address, device="lo"):
        """One more address; those of IPv6 are used at once."""
        self.run("ip", "address", "add", address, "dev", device, *(["nodad"] if ":" in address else []))

    def route(self, network, gateway):
        self.run("ip", "route", "add", network, "via", gateway)

    def filter(self, rules):
        """nft with rules in its own language; the host forwards packets from now on."""
        roots = ":".join(f"{STORE}/{package}/{place}/x86_64-linux-gnu" for package in FILTER for place in ("usr/lib", "lib"))
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        self.run(f"{STORE}/nftables/usr/sbin/nft", "-f", "-", input=rules, env=dict(os.environ, LD_LIBRARY_PATH=roots))

    def dig(self, server, *arguments):
        """What dig prints when it asks this server from here."""
        done = subprocess.run(self.command(dns_peers.program("dig"), f"@{server}", "+time=3", "+tries=2", *arguments),
                              capture_output=True, text=True, env=dns_peers.environment(), timeout=60)
        return done.stdout + done.stderr

    def short(self, server, *arguments):
        return sorted(self.dig(server, "+short", *arguments).split("\n")[:-1])

    def status(self, server, *arguments):
        """NOERROR, NXDOMAIN and so on; None without an answer."""
        text = self.dig(server, *arguments)
        return text.split("status: ")[1].split(",")[0] if "status: " in text else None

    def update(self, server, zone, key, *lines):
        """nsupdate with a key (algorithm:name:secret); what it says, nothing when all is well."""
        text = f"server {server}\nzone {zone}\n" + "".join(line + "\n" for line in lines) + "send\n"
        done = subprocess.run(self.command(dns_peers.program("nsupdate"), "-t", "5", "-y", key), input=text, text=True,
                              capture_output=True, env=dns_peers.environment(), timeout=60)
        return done.stdout + done.stderr

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Named:
    """named-lite on a host, in a directory of its own. $DIR in the configuration stands for it."""

    def __init__(self, host, conf, files, arguments=()):
        self.host = host
        self.directory = tempfile.TemporaryDirectory(prefix=f"umaya-{host.name}-")
        os.chmod(self.directory.name, 0o755)
        for name, text in files.items():
            self.write(name, text)
        self.write("named.conf", conf)
        self.log = open(self.path("log"), "w")
        self.process = subprocess.Popen(host.command(PROGRAM, "-g", "-c", self.path("named.conf"), "-n", "2", *arguments),
                                        stderr=self.log, stdout=self.log, preexec_fn=sandbox.die_with_parent)
        wait_for(lambda: "running" in self.logged() or self.process.poll() is not None, 20, "named-lite runs")
        if self.process.poll() is not None:
            raise AssertionError(self.logged())

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text.replace("$DIR", self.directory.name))

    def read(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def logged(self):
        return self.read("log")

    def reload(self):
        before = self.logged().count("reload")
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.logged().count("reload") >= before + 2, 20, "the reload ends")

    def ndc(self, *words):
        done = subprocess.run([PROGRAM, "ndc", "-c", self.path("named.conf"), *words], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout + done.stderr

    def questions(self):
        """How many came over UDP until now."""
        return int(self.ndc("status")[1].split("questions: ")[1].split(" ")[0])

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.directory.cleanup()


class Network:
    def __init__(self):
        self.hosts, self.servers = [], []

    def host(self, name):
        self.hosts.append(Host(name))
        return self.hosts[-1]

    def link(self, one, address, other, peer_address):
        """A cable between two hosts, with one address at each end."""
        ends = []
        for host in (one, other):
            ends.append(f"{host.name}-{host.links}")
            host.links += 1
        one.run("ip", "link", "add", ends[0], "type", "veth", "peer", "name", "new-end")
        one.run("ip", "link", "set", "new-end", "netns", str(other.holder.pid))
        other.run("ip", "link", "set", "new-end", "name", ends[1])
        for host, end, text in ((one, ends[0], address), (other, ends[1], peer_address)):
            host.address(text, end)
            host.run("ip", "link", "set", end, "up")

    def named(self, host, conf, files, arguments=()):
        self.servers.append(Named(host, conf, files, arguments))
        return self.servers[-1]

    def __enter__(self):
        return self

    def __exit__(self, kind, *unused):
        for server in self.servers:
            if kind:
                print(f"--- {server.host.name} ---\n{server.logged()[-4000:]}")
            server.close()
        for host in self.hosts:
            host.close()
