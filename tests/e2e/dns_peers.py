"""dns_peers - BIND, NSD and Knot of Debian as peers of named-lite, and dig as a client

The packages are unpacked into the build folder and run from there, on ports of the loopback, by the user who runs the test.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from umaya_instance import BUILD, free_port, wait_for

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

STORE = os.path.join(BUILD, "peers")
PACKAGES = ["bind9", "bind9-libs", "bind9-utils", "bind9-dnsutils", "nsd", "knot", "libknot13", "libzscanner4", "libdnssec9",
            "libuv1", "libmaxminddb0", "libfstrm0", "libprotobuf-c1", "libjson-c5", "liburcu8", "libnghttp2-14", "libbpf1",
            "libxdp1", "libedit2", "liblmdb0", "libjemalloc2", "libbsd0", "libmd0", "libelf1"]
ROUTING = ["iproute2", "libmnl0", "libcap2"]


def fetch():
    """Unpacks the packages; raises RuntimeError when they cannot be had."""
    os.makedirs(STORE, exist_ok=True)
    provide_ip()
    return sandbox.download(PACKAGES, STORE)


def provide_ip():
    """Puts ip of iproute2 into the search path of this process where the system has none, as small ones."""
    if shutil.which("ip"):
        return
    sandbox.download([*PACKAGES, *ROUTING], STORE)
    folder = os.path.join(STORE, "iproute2", "wrapped")
    os.makedirs(folder, exist_ok=True)
    libraries = ":".join(f"{STORE}/{package}/{place}/x86_64-linux-gnu" for package in (*PACKAGES, *ROUTING)
                         for place in ("lib", "usr/lib"))
    with open(os.path.join(folder, "ip"), "w") as f:
        f.write(f'#!/bin/sh\nLD_LIBRARY_PATH="{libraries}" exec "{STORE}/iproute2/bin/ip" "$@"\n')
    os.chmod(os.path.join(folder, "ip"), 0o755)
    os.environ["PATH"] += os.pathsep + folder


def environment():
    roots = [os.path.join(STORE, package) for package in PACKAGES]
    libraries = ":".join(f"{root}/{place}/x86_64-linux-gnu" for root in roots for place in ("usr/lib", "lib"))
    return dict(os.environ, LD_LIBRARY_PATH=libraries)


def program(name):
    for package in PACKAGES:
        for place in ("usr/sbin", "usr/bin"):
            path = os.path.join(STORE, package, place, name)
            if os.path.exists(path):
                return path
    raise FileNotFoundError(name)


def dig(port, *arguments):
    """What dig prints, with its comments."""
    done = subprocess.run([program("dig"), "@127.0.0.1", "-p", str(port), "+time=3", "+tries=1", *arguments],
                          capture_output=True, text=True, env=environment(), timeout=60)
    return done.stdout + done.stderr


def records(text):
    """The records that dig printed, sorted, each with single blanks and lower-case names."""
    lines = [re.sub(r"\s+", " ", line).lower() for line in text.splitlines() if line and not line.startswith(";")]
    return sorted(lines)


class WithPeers(unittest.TestCase):
    """Tests that need the peers; they are skipped where those cannot be had."""

    fetch = staticmethod(fetch)

    @classmethod
    def setUpClass(cls):
        try:
            cls.fetch()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the peers cannot be fetched: {error}") from error


class Peer:
    """A name server in the foreground, in a directory of its own."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="umaya-dns-peer-")
        self.port = free_port()
        self.log = open(self.path("log"), "w+")

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def launch(self, *command):
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=environment(),
                                        cwd=self.directory.name)

    def logged(self):
        with open(self.path("log"), errors="replace") as f:
            return f.read()

    def serial(self, zone):
        found = re.search(r"IN\s+SOA\s+\S+\s+\S+\s+(\d+)", dig(self.port, zone, "SOA", "+noall", "+answer"))
        return int(found.group(1)) if found else None

    def wait_serial(self, zone, serial, seconds=20):
        wait_for(lambda: self.serial(zone) == serial, seconds, f"{type(self).__name__} has serial {serial}:\n{self.logged()}")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.log.close()
        self.directory.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


class Bind(Peer):
    """zones: statements of zones for its named.conf; options: further ones of its options block."""

    def __init__(self, zones, files=None, keys="", options="", port=None):
        super().__init__()
        self.port = port or self.port
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write("named.conf", f'{keys}\noptions {{ directory "{self.directory.name}"; pid-file none; recursion no; '
                   f'listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; '
                   f'session-keyfile none; notify no; {options} }};\ncontrols {{ }};\n{zones}\n')
        self.launch(program("named"), "-g", "-c", self.path("named.conf"), "-p", str(self.port), "-n", "1")
        wait_for(lambda: "running" in self.logged() or self.process.poll() is not None, 20, "BIND runs")


class Nsd(Peer):
    """Secondary of a primary, or, with text, a primary that gives the zone to who has the key. axfr: asks for no IXFR."""

    def __init__(self, zone, primary_port, key, algorithm, secret, text=None, axfr=True):
        super().__init__()
        if text is not None:
            self.write(zone, text)
        role = f"provide-xfr: 127.0.0.1 {key}" if text else f"request-xfr: {'AXFR ' if axfr else ''}127.0.0.1@{primary_port} {key}\n  allow-notify: 127.0.0.1 NOKEY"
        self.write("nsd.conf", f"""server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{self.directory.name}"
  xfrdfile: "{self.path('xfrd.state')}"
  xfrdir: "{self.directory.name}"
  pidfile: "{self.path('nsd.pid')}"
  zonelistfile: "{self.path('zone.list')}"
  database: ""
  server-count: 1
remote-control:
  control-enable: no
key:
  name: "{key}"
  algorithm: {algorithm}
  secret: "{secret}"
zone:
  name: "{zone}"
  zonefile: "{zone}"
  {role}
""")
        self.launch(program("nsd"), "-d", "-c", self.path("nsd.conf"))


class Knot(Peer):
    """As Nsd. more: lines of the zone."""

    def __init__(self, zone, primary_port, key, algorithm, secret, text=None, more=""):
        super().__init__()
        if text is not None:
            self.write(f"{zone}.zone", text)
        role = "acl: give" if text else "master: primary\n    acl: told"
        self.write("knot.conf", f"""server:
  rundir: "{self.directory.name}"
  listen: 127.0.0.1@{self.port}
database:
  storage: "{self.directory.name}"
log:
  - target: stderr
    any: info
key:
  - id: {key}
    algorithm: {algorithm}
    secret: "{secret}"
remote:
  - id: primary
    address: 127.0.0.1@{primary_port}
    key: {key}
acl:
  - id: give
    key: {key}
    action: transfer
  - id: told
    address: 127.0.0.1
    action: notify
zone:
  - domain: {zone}
    {role}
    storage: "{self.directory.name}"
    {more}
""")
        self.launch(program("knotd"), "-c", self.path("knot.conf"))
