#!/usr/bin/env python3
"""dns_cached - cached answers of named-lite against Debian's Unbound and BIND on this machine, in turn

    bench/dns_cached.py [--build DIR] [--rounds 5] [--seconds 5] [--only unbound,named-lite,bind] [--json FILE]

Each resolver has one thread or query process on the first core and forwards what it does not know to an NSD on the last
one, which is asked for everything once before anything is measured. Two sets of questions: 20,000 names, and the mail
zone of dns.py. What is compared is as there; ratios are to Unbound.
"""

import json
import os
import sys
import tempfile

if "--only" not in sys.argv:
    sys.argv += ["--only", "unbound,named-lite,bind"]

import dns
from dns import MAIL, MAIL_ZONE, OPTIONS, Server, ask, dnsperf, mail_questions, show
import dns_peers

MANY, COUNT = "many.test", 20000
UNBOUND = ["unbound", "libevent-2.1-7", "libhiredis0.14", "libprotobuf-c1", "libnghttp2-14"]


class Upstream(dns.Nsd):
    """Knows everything; the resolvers ask it once for each name. It stays away from the core that is measured."""

    name = "upstream"
    zones = (MANY, MAIL)
    probe = f"h00001.{MANY}"
    core = dns.LAST


class Resolver(Server):
    probe = f"h00001.{MANY}"

    def __init__(self, work, upstream):
        super().__init__(work, work)
        self.upstream = upstream


class Unbound(Resolver):
    name = "unbound"

    def command(self):
        config = self.write("unbound.conf", f"""server:
  interface: 127.0.0.1@{self.port}
  do-daemonize: no
  num-threads: 1
  username: ""
  chroot: ""
  directory: "{self.directory}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  minimal-responses: yes
  msg-cache-size: 64m
  rrset-cache-size: 64m
  local-zone: "test." transparent
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{self.upstream}
""")
        return [dns_peers.program("unbound"), "-d", "-c", config]


class Bind(Resolver):
    name = "bind"

    def command(self):
        config = self.write("named.conf", f"""options {{ directory "{self.directory}"; pid-file none; recursion yes;
  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; dnssec-validation no; session-keyfile none;
  minimal-responses yes; max-cache-size 64m; forward only; forwarders {{ 127.0.0.1 port {self.upstream}; }}; }};
controls {{ }};
""")
        return [dns_peers.program("named"), "-g", "-c", config, "-p", str(self.port), "-n", "1"]


class NamedLite(Resolver):
    name = "named-lite"

    def environment(self):
        return dict(os.environ)

    def command(self):
        config = self.write("named.conf", f"""options {{ directory "{self.directory}"; pid-file "{self.directory}/pid";
  recursion yes; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; max-cache-size 64m;
  forward only; forwarders port {self.upstream} {{ 127.0.0.1; }}; }};
""")
        return [os.path.join(os.path.abspath(OPTIONS.build), "libexec", "named-lite"), "-g", "-n", "1", "-c", config]


def write_files(work):
    def write(name, lines):
        with open(os.path.join(work, name), "w") as f:
            f.writelines(lines)
        return os.path.join(work, name)

    write(f"{MANY}.zone", [f"$TTL 86400\n$ORIGIN {MANY}.\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 10.0.0.1\n"]
          + [f"h{i:05d} A 10.1.{i >> 8}.{i & 255}\n" for i in range(COUNT)])
    write(f"{MAIL}.zone", MAIL_ZONE.replace("$TTL 3600", "$TTL 86400").replace(" 300\n", " 86400\n"))
    order = list(range(COUNT))
    dns.random.Random(7).shuffle(order)
    return {"20,000 names": write("many.questions", [f"h{i:05d}.{MANY} A\n" for i in order]),
            "mail": write("mail.questions", mail_questions())}


def main():
    dns_peers.fetch()
    dns_peers.sandbox.download(UNBOUND, dns_peers.STORE)
    dns_peers.PACKAGES.extend(each for each in UNBOUND if each not in dns_peers.PACKAGES)
    kinds = {kind.name: kind for kind in (Unbound, NamedLite, Bind)}
    with tempfile.TemporaryDirectory(prefix="umaya-bench-dns-") as work:
        sets = write_files(work)
        upstream = Upstream(work, work)
        upstream.start()
        resolvers = [kinds[name](work, upstream.port) for name in OPTIONS.only.split(",")]
        figures = {f"{what} {unit}": {each.name: [] for each in resolvers} for what in sets for unit in ("us", "qps")}
        figures["memory"] = {each.name: [] for each in resolvers}
        for each in resolvers:
            each.start()
            for questions in sets.values():
                for _ in range(2):  # what was lost the first time comes the second
                    dnsperf(each, questions, "-n", "1", "-Q", "20000")
        before = upstream.cpu()
        for number in range(OPTIONS.rounds):
            for each in resolvers if number % 2 == 0 else reversed(resolvers):
                for what, questions in sets.items():
                    one = ask(each, questions)
                    figures[f"{what} us"][each.name].append(one["us"])
                    figures[f"{what} qps"][each.name].append(one["qps"])
                figures["memory"][each.name].append(each.memory())
        asked = upstream.cpu() - before
        for each in [*resolvers, upstream]:
            each.stop()
    for what in sets:
        show(f"cached answers, {what}: CPU of a question", figures[f"{what} us"], resolvers, "us", "unbound")
    for what in sets:
        show(f"cached answers, {what}: a second", figures[f"{what} qps"], resolvers, "", "unbound")
    show("memory (PSS of all processes)", figures["memory"], resolvers, "MiB", "unbound")
    print(f"CPU of the server behind them meanwhile: {asked:.2f} s")
    if OPTIONS.json:
        with open(OPTIONS.json, "w") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    main()
