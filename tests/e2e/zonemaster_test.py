"""Zonemaster finds nothing about a zone served by named-lite that it does not find about the same zone served by NSD.

In namespaces of its own, on addresses of the loopback, a small tree: NSD serves the root and test., and the name servers
of mail.test are named-lite in one run and NSD in the other. The programs of Debian's zonemaster-cli are unpacked into the
build folder and run from there.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

import dns_peers
from dns_wire import Message, ask, question
from umaya_instance import BUILD, wait_for

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

STORE = os.path.join(BUILD, "zonemaster")
PARENT, CHILDREN = "192.0.32.1", ["192.0.33.1", "192.0.34.1"]
PROGRAM = os.path.join(BUILD, "libexec", "named-lite")
ROOT = f""". 3600 SOA ns.root. hostmaster.root. 1 14400 3600 1209600 3600
. 3600 NS ns.root.
ns.root. 3600 A {PARENT}
root. 3600 NS ns.root.
test. 3600 NS ns.test.
ns.test. 3600 A {PARENT}
"""
TEST = f"""$TTL 3600
@ SOA ns hostmaster 1 14400 3600 1209600 3600
@ NS ns
ns A {PARENT}
mail NS ns1.mail
mail NS ns2.mail
ns1.mail A {CHILDREN[0]}
ns2.mail A {CHILDREN[1]}
"""
ZONE = f"""$TTL 3600
@ SOA ns1 hostmaster 2026112601 14400 3600 1209600 3600
@ NS ns1
@ NS ns2
@ MX 10 mx
@ TXT "v=spf1 mx -all"
ns1 A {CHILDREN[0]}
ns2 A {CHILDREN[1]}
mx A 192.0.33.25
www CNAME mx
*.wild A 192.0.33.26
"""


def packages():
    """What zonemaster-cli needs and this system lacks."""
    listed = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                             "--no-breaks", "--no-replaces", "--no-enhances", "zonemaster-cli"],
                            capture_output=True, text=True, timeout=120).stdout
    names = sorted({line.strip() for line in listed.splitlines() if line[:1].isalnum()})
    installed = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n"], capture_output=True, text=True).stdout.split()
    real = subprocess.run(["apt-cache", "--generate", "pkgnames"], capture_output=True, text=True).stdout.split()
    return sorted((set(names) & set(real)) - set(installed))


def fetch():
    """Unpacks everything below one directory."""
    if os.path.exists(os.path.join(STORE, "usr/bin/zonemaster-cli")):
        return
    archives = os.path.join(STORE, "archives")
    os.makedirs(archives, exist_ok=True)
    fetched = subprocess.run(["apt-get", "download", *packages()], cwd=archives, capture_output=True, text=True)
    if fetched.returncode != 0:
        raise RuntimeError(fetched.stderr.strip())
    for archive in sorted(os.listdir(archives)):
        subprocess.run(["dpkg", "-x", os.path.join(archives, archive), STORE], check=True)


def zonemaster(hints):
    """What it says about mail.test: sorted lines of module, tag and arguments."""
    shown = subprocess.run(["perl", "-MConfig", "-e", "print join ' ', @Config{qw(vendorlib vendorarch privlib archlib)}"],
                           capture_output=True, text=True).stdout
    modules = ":".join(STORE + place for place in shown.split())
    libraries = ":".join(f"{STORE}/{place}/x86_64-linux-gnu" for place in ("usr/lib", "lib"))
    environment = dict(os.environ, PERL5LIB=modules, LD_LIBRARY_PATH=libraries, LC_ALL="C")
    done = subprocess.run([f"{STORE}/usr/bin/zonemaster-cli", "--json", "--level", "INFO", "--no-ipv6", "--no-progress",
                           "--hints", hints, "mail.test"], capture_output=True, text=True, env=environment, timeout=240)
    if not done.stdout.strip():
        raise RuntimeError(done.stderr)
    return sorted(json.dumps([each["level"], each.get("module"), each["tag"], plain(each.get("args", {}))], sort_keys=True)
                  for each in json.loads(done.stdout))


def plain(arguments):
    """Lists come in any order, and names in random case."""
    return {key: sorted(re.split("[;,]", str(value).lower())) for key, value in arguments.items()}


class Nsd:
    def __init__(self, directory, addresses, zones):
        lines = [f"  ip-address: {address}" for address in addresses]
        text = "server:\n" + "\n".join(lines) + f"""
  username: ""
  zonesdir: "{directory}"
  xfrdfile: "{directory}/xfrd.state"
  xfrdir: "{directory}"
  pidfile: "{directory}/nsd.pid"
  zonelistfile: "{directory}/zone.list"
  database: ""
  server-count: 1
remote-control:
  control-enable: no
""" + "".join(f'zone:\n  name: "{zone}"\n  zonefile: "{path}"\n' for zone, path in zones.items())
        with open(os.path.join(directory, "nsd.conf"), "w") as f:
            f.write(text)
        self.process = subprocess.Popen([dns_peers.program("nsd"), "-d", "-c", f"{directory}/nsd.conf"],
                                        stderr=subprocess.DEVNULL, env=dns_peers.environment(),
                                        preexec_fn=sandbox.die_with_parent)


class NamedLite:
    def __init__(self, directory, addresses, zones):
        with open(os.path.join(directory, "named.conf"), "w") as f:
            f.write(f'options {{ directory "{directory}"; recursion no; listen-on {{ {"; ".join(addresses)}; }}; '
                    "listen-on-v6 { none; }; };\n"
                    + "".join(f'zone "{zone}" {{ type primary; file "{path}"; }};\n' for zone, path in zones.items()))
        self.process = subprocess.Popen([PROGRAM, "-g", "-c", f"{directory}/named.conf"], stderr=subprocess.DEVNULL,
                                        preexec_fn=sandbox.die_with_parent)


def compare():
    """Inside the namespaces: prints what zonemaster finds with us and not with NSD, and the other way round."""
    sandbox.loopback_up()
    for address in [PARENT, *CHILDREN]:
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    with tempfile.TemporaryDirectory() as work:
        files = {}
        for zone, text in ((".", ROOT), ("test", TEST), ("mail.test", ZONE)):
            files[zone] = os.path.join(work, f"zone.{zone.strip('.')}")
            with open(files[zone], "w") as f:
                f.write(text)
        hints = os.path.join(work, "hints")
        with open(hints, "w") as f:
            f.write(f". 3600 NS ns.root.\nns.root. 3600 A {PARENT}\n")
        parent = os.path.join(work, "parent")
        os.mkdir(parent)
        Nsd(parent, [PARENT], {zone: files[zone] for zone in (".", "test")})
        found = {}
        for server in (Nsd, NamedLite):
            directory = os.path.join(work, server.__name__)
            os.mkdir(directory)
            running = server(directory, CHILDREN, {"mail.test": files["mail.test"]})
            for address, zone in ((PARENT, "test"), (CHILDREN[0], "mail.test")):
                wait_for(lambda: (answer := ask(53, question(zone, "SOA"), seconds=1, host=address))
                         and Message(answer).rcode == 0, 20, f"{zone} is served")
            found[server] = zonemaster(hints)
            running.process.terminate()
            running.process.wait(20)
    ours, theirs = set(found[NamedLite]), set(found[Nsd])
    print(json.dumps({"ours": sorted(ours - theirs), "NSD": sorted(theirs - ours), "same": sorted(ours & theirs)}, indent=1))


class Zonemaster(unittest.TestCase):
    def test_nothing_is_found_that_is_not_found_with_nsd(self):
        why = sandbox.can_enter()
        if why:
            self.skipTest(why)
        try:
            dns_peers.fetch()
            fetch()
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            self.skipTest(f"zonemaster cannot be fetched: {error}")
        done = sandbox.run_inside(os.path.abspath(__file__), "compare", capture_output=True, text=True, timeout=600)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        self.assertGreater(len(found["same"]), 20, done.stdout)
        self.assertEqual(found["ours"], [], done.stdout)


if __name__ == "__main__":
    compare() if sys.argv[1:] == ["compare"] else unittest.main()
