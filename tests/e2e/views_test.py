"""Split DNS in the firewall style of 1998: five set-ups, each in networks of its own.

A  two views in one server           B  hidden primary inside, bastion host outside
C  a root of one's own inside        D  inner servers that only forward
E  a DMZ as a third view, and what guards it
"""

import os
import subprocess
import unittest

import dns_peers
import dns_network
from dns_network import Network
from umaya_instance import wait_for

SECRET = "c2VjcmV0IG9mIGJvdGggc2lkZXM="


def key(name):
    return f'key "{name}" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'


def with_key(name):
    return f"hmac-sha256:{name}:{SECRET}"


def soa(serial=1):
    return f"$TTL 300\n@ SOA ns hostmaster {serial} 3600 900 604800 60\n"


COMMON = '@ TXT "v=spf1 mx -all"\n_dmarc TXT "v=DMARC1; p=reject"\nsel._domainkey TXT "v=DKIM1; p=MIIB"\n'


@unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
class Views(dns_peers.WithPeers):
    fetch = staticmethod(dns_network.fetch)


INTERNAL_A = soa() + ("@ NS ns\n@ MX 10 hub\nns A 10.0.0.1\nhub A 10.0.0.25\nwww A 10.0.0.80\npayroll A 10.0.0.99\n"
                      "$INCLUDE common.inc\n")
EXTERNAL_A = soa() + "@ NS ns\n@ MX 10 bastion\nns A 192.0.2.1\nbastion A 192.0.2.25\nwww A 192.0.2.80\n$INCLUDE common.inc\n"
CONF_A = key("inside-key") + key("outside-key") + """
acl lan { 10.0.0.0/24; 127.0.0.1; };
options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { 10.0.0.1; 10.0.0.2; 192.0.2.1; }; listen-on-v6 { none; };
          notify no; };
view "admin" {
  match-destinations { 10.0.0.2; };
  recursion no;
  allow-transfer { key inside-key; };
  zone "corp.test" { type primary; file "admin.zone"; allow-update { key inside-key; }; };
};
view "internal" {
  match-clients { key inside-key; ! key outside-key; lan; };
  recursion yes; forward only; forwarders { 192.0.2.9; };
  allow-transfer { key inside-key; };
  zone "corp.test" { type primary; file "internal.zone"; update-policy { grant inside-key zonesub ANY; }; };
  zone "shared.test" { type primary; file "shared.zone"; allow-update { key inside-key; key outside-key; };
                       allow-transfer { key outside-key; }; };
};
view "external" {
  match-clients { key outside-key; any; };
  recursion no;
  allow-transfer { key outside-key; };
  zone "corp.test" { type primary; file "external.zone"; allow-update { key outside-key; }; };
  zone "shared.test" { in-view "internal"; };
};
"""


class TwoViewsInOneServer(Views):
    def setUp(self):
        self.net = self.enterContext(Network())
        self.inside, self.outside, self.server = (self.net.host(name) for name in ("inside", "outside", "server"))
        self.net.link(self.inside, "10.0.0.7/24", self.server, "10.0.0.1/24")
        self.server.address("10.0.0.2/32")
        self.net.link(self.outside, "192.0.2.9/24", self.server, "192.0.2.1/24")
        self.net.named(self.outside, 'options { directory "$DIR"; listen-on { 192.0.2.9; }; listen-on-v6 { none; }; '
                       'recursion no; };\nzone "outer.test" { type primary; file "z"; };\n',
                       {"z": soa() + "@ NS ns\nns A 192.0.2.9\nwww A 192.0.2.90\n"})
        admin = soa() + "@ NS ns\nns A 10.0.0.2\nconsole A 10.0.0.3\n"
        shared = soa(5) + "@ NS ns\nns A 192.0.2.1\n"
        self.named = self.net.named(self.server, CONF_A, {"internal.zone": INTERNAL_A, "external.zone": EXTERNAL_A,
                                                          "admin.zone": admin, "shared.zone": shared, "common.inc": COMMON})

    def test_F3_A_each_side_sees_its_own_names_and_the_common_ones(self):
        inside, outside = self.inside, self.outside
        self.assertEqual(inside.short("10.0.0.1", "corp.test", "MX"), ["10 hub.corp.test."])
        self.assertEqual(outside.short("192.0.2.1", "corp.test", "MX"), ["10 bastion.corp.test."])
        self.assertEqual(inside.short("10.0.0.1", "www.corp.test"), ["10.0.0.80"])
        self.assertEqual(outside.short("192.0.2.1", "www.corp.test"), ["192.0.2.80"])
        for name in ("corp.test", "_dmarc.corp.test", "sel._domainkey.corp.test"):
            mine = inside.short("10.0.0.1", name, "TXT")
            self.assertEqual(len(mine), 1)
            self.assertEqual(outside.short("192.0.2.1", name, "TXT"), mine)
        self.assertEqual(outside.status("192.0.2.1", "payroll.corp.test"), "NXDOMAIN")
        self.assertEqual(inside.short("10.0.0.1", "www.outer.test"), ["192.0.2.90"])
        refused = outside.dig("192.0.2.1", "www.outer.test")
        self.assertIn("status: REFUSED", refused)
        self.assertNotIn(" ra", refused.split("flags:")[1].split(";")[0])

    def test_F3_A_a_key_chooses_the_view_of_a_transfer(self):
        inside, outside = self.inside, self.outside
        internal = outside.dig("192.0.2.1", "-y", with_key("inside-key"), "corp.test", "AXFR")
        self.assertIn("10.0.0.99", internal)
        external = inside.dig("10.0.0.1", "-y", with_key("outside-key"), "corp.test", "AXFR")
        self.assertIn("192.0.2.80", external)
        self.assertNotIn("10.0.0.", external.split("global options")[1].split("Query time")[0])
        for host, server in ((inside, "10.0.0.1"), (outside, "192.0.2.1")):
            self.assertIn("Transfer failed", host.dig(server, "corp.test", "AXFR"))
        self.assertIn("192.0.2.1", inside.dig("10.0.0.1", "-y", with_key("outside-key"), "shared.test", "AXFR"))
        self.assertIn("Transfer failed", inside.dig("10.0.0.1", "-y", with_key("inside-key"), "shared.test", "AXFR"))

    def test_F3_A_an_update_goes_to_the_view_that_its_key_names(self):
        inside, outside = self.inside, self.outside
        self.assertEqual(outside.update("192.0.2.1", "corp.test", with_key("inside-key"), "add new.corp.test 60 A 10.0.0.77"), "")
        self.assertEqual(inside.short("10.0.0.1", "new.corp.test"), ["10.0.0.77"])
        self.assertEqual(outside.status("192.0.2.1", "new.corp.test"), "NXDOMAIN")
        self.assertEqual(inside.update("10.0.0.1", "corp.test", with_key("outside-key"), "add pub.corp.test 60 A 192.0.2.77"), "")
        self.assertEqual(outside.short("192.0.2.1", "pub.corp.test"), ["192.0.2.77"])
        self.assertEqual(inside.status("10.0.0.1", "pub.corp.test"), "NXDOMAIN")

    def test_F3_A_a_zone_that_two_views_share_is_one(self):
        inside, outside = self.inside, self.outside
        for keyname, host, server in (("outside-key", outside, "192.0.2.1"), ("inside-key", inside, "10.0.0.1")):
            added = f"{keyname}.shared.test"
            self.assertEqual(host.update(server, "shared.test", with_key(keyname), f"add {added} 60 A 192.0.2.66"), "")
            self.assertEqual(inside.short("10.0.0.1", added), ["192.0.2.66"])
            self.assertEqual(outside.short("192.0.2.1", added), ["192.0.2.66"])
        for host, server in ((outside, "192.0.2.1"), (inside, "10.0.0.1")):
            changes = host.dig(server, "-y", with_key("outside-key"), "shared.test", "IXFR=5", "+noall", "+answer")
            self.assertIn("inside-key.shared.test.", changes, "IXFR from its one journal")
            self.assertNotIn("\tNS\t", changes)
        self.assertEqual(self.named.ndc("zonestatus", "shared.test")[0], 0, "there is one of it")
        self.assertIn("view: internal", self.named.ndc("zonestatus", "shared.test", "IN", "external")[1])

    def test_F3_A_the_address_that_is_asked_chooses_the_view_of_everything(self):
        inside = self.inside
        self.assertEqual(inside.short("10.0.0.2", "console.corp.test"), ["10.0.0.3"])
        self.assertEqual(inside.short("10.0.0.2", "console.corp.test", "+tcp"), ["10.0.0.3"])
        self.assertEqual(inside.status("10.0.0.1", "console.corp.test"), "NXDOMAIN")
        signed = ("-y", with_key("inside-key"), "console.corp.test")
        self.assertEqual(inside.short("10.0.0.2", *signed), ["10.0.0.3"])
        self.assertEqual(inside.short("10.0.0.2", *signed, "+tcp"), ["10.0.0.3"])
        self.assertEqual(inside.short("10.0.0.1", *signed), [])
        self.assertIn("10.0.0.3", inside.dig("10.0.0.2", "-y", with_key("inside-key"), "corp.test", "AXFR"))
        self.assertEqual(inside.update("10.0.0.2", "corp.test", with_key("inside-key"), "add more.corp.test 60 A 10.0.0.4"), "")
        self.assertEqual(inside.short("10.0.0.2", "more.corp.test"), ["10.0.0.4"])
        self.assertEqual(inside.status("10.0.0.1", "more.corp.test"), "NXDOMAIN")


OUTER_ROOT = soa() + (". NS ns.outer.\nns.outer. A 198.51.100.9\noutside.example. MX 10 mx.outside.example.\n"
                      "outside.example. A 198.51.100.80\nmx.outside.example. A 198.51.100.81\n")
OUTER_HINTS = ". 3600000 NS ns.outer.\nns.outer. 3600000 A 198.51.100.9\n"
OUTER_CONF = """options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { 198.51.100.9; }; listen-on-v6 { none; };
                          recursion no; };
zone "." { type primary; file "root"; };
"""

FIREWALL_B = """table inet split {
 chain passing {
  type filter hook forward priority 0; policy drop;
  ct state established,related accept
  ip saddr 10.0.0.0/24 accept
  ip saddr 192.0.2.1 ip daddr 10.0.0.2 tcp dport 53 accept comment "the bastion fetches the zone, and nothing else"
 }
}
"""


class HiddenPrimary(Views):
    def test_F3_B_the_bastion_serves_what_the_hidden_primary_has(self):
        with Network() as net:
            inside, firewall, bastion, outside = (net.host(name) for name in ("inside", "firewall", "bastion", "outside"))
            net.link(inside, "10.0.0.2/24", firewall, "10.0.0.254/24")
            net.link(bastion, "192.0.2.1/24", firewall, "192.0.2.254/24")
            net.link(bastion, "198.51.100.1/24", outside, "198.51.100.9/24")
            inside.route("default", "10.0.0.254")
            bastion.route("10.0.0.0/24", "192.0.2.254")
            firewall.filter(FIREWALL_B)
            net.named(outside, OUTER_CONF, {"root": OUTER_ROOT})
            zone = soa(1) + "@ NS bastion\n@ MX 10 bastion\nbastion A 198.51.100.1\nns A 198.51.100.1\n"
            primary = net.named(inside, key("push") + """
options { directory "$DIR"; listen-on { 10.0.0.2; }; listen-on-v6 { none; }; recursion no; allow-query { key push; };
          allow-transfer { key push; }; notify explicit; also-notify { 192.0.2.1 key push; }; };
zone "corp.test" { type primary; file "zone"; };
""", {"zone": zone})
            net.named(bastion, key("push") + """
options { directory "$DIR"; listen-on { 127.0.0.1; 192.0.2.1; 198.51.100.1; }; listen-on-v6 { none; }; version none;
          recursion yes; allow-recursion { 127.0.0.1; }; forwarders { }; notify no; };
zone "." { type hint; file "hints"; };
zone "corp.test" { type secondary; primaries { 10.0.0.2 key push; }; file "copy"; };
""", {"hints": OUTER_HINTS})
            self.outward_only(primary, outside, zone)
            self.nobody_comes_in(inside, bastion, outside)
            self.recursion_for_itself(bastion, outside)

    def outward_only(self, primary, outside, zone):
        wait_for(lambda: outside.short("198.51.100.1", "corp.test", "MX") == ["10 bastion.corp.test."], 20, "the zone is there")
        primary.write("zone", zone.replace(" 1 3600", " 2 3600") + "www A 198.51.100.1\n")
        primary.reload()
        wait_for(lambda: outside.short("198.51.100.1", "www.corp.test") == ["198.51.100.1"], 20, "NOTIFY brings the change")
        self.assertIn("notify of serial 2 to [192.0.2.1]:53: answered", primary.logged())

    def nobody_comes_in(self, inside, bastion, outside):
        self.assertIn("REFUSED", bastion.dig("10.0.0.2", "corp.test", "SOA", "+tcp"), "not without the key")
        self.assertIn("timed out", bastion.dig("10.0.0.2", "corp.test", "SOA", "+notcp", "+time=1", "+tries=1"))
        other = subprocess.Popen(inside.command("python3", "-c", "import socket; s = socket.create_server(('10.0.0.2', 8080)); "
                                                "print('up', flush=True); s.accept()"), stdout=subprocess.PIPE)
        other.stdout.readline()
        tried = subprocess.run(bastion.command("python3", "-c", "import socket; socket.create_connection(('10.0.0.2', 8080), 2)"),
                               capture_output=True)
        other.kill()
        other.wait()
        other.stdout.close()
        self.assertNotEqual(tried.returncode, 0, "the firewall lets nothing else in")
        for host, server in ((outside, "198.51.100.1"), (inside, "192.0.2.1")):
            told = host.dig(server, "+opcode=notify", "corp.test", "SOA")
            self.assertIn("status: REFUSED", told, "NOTIFY without the key")

    def recursion_for_itself(self, bastion, outside):
        self.assertEqual(bastion.short("127.0.0.1", "outside.example", "MX"), ["10 mx.outside.example."])
        for name in ("outside.example", "example"):
            refused = outside.dig("198.51.100.1", name, "MX")
            self.assertIn("status: REFUSED", refused)
            self.assertNotIn(" ra", refused.split("flags:")[1].split(";")[0])
        self.assertEqual(outside.short("198.51.100.1", "version.bind", "CH", "TXT"), [])


PRIVATE_ROOT = soa() + (". NS ns.root.\nns.root. A 10.0.0.2\n*. MX 10 gateway.corp.\ncorp. NS ns.corp.\nns.corp. A 10.0.0.1\n")
CORP = soa() + ("@ NS ns\n@ MX 10 gateway\n* MX 10 gateway\nns A 10.0.0.1\n  MX 10 gateway\ngateway A 10.0.0.25\n  MX 10 gateway\n"
                "host A 10.0.0.9\n  MX 10 gateway\nbare A 10.0.0.8\ndeep.below A 10.0.0.7\n")


class InternalRoot(Views):
    def test_F3_K7_C_a_root_of_our_own_sends_all_outer_mail_to_the_gateway(self):
        with Network() as net:
            inner, gateway, outside = (net.host(name) for name in ("inner", "gateway", "outside"))
            net.link(inner, "10.0.0.1/24", gateway, "10.0.0.25/24")
            inner.address("10.0.0.2/32")
            net.link(gateway, "198.51.100.1/24", outside, "198.51.100.9/24")
            gateway.route("10.0.0.2/32", "10.0.0.1")
            net.named(outside, OUTER_CONF, {"root": OUTER_ROOT})
            net.named(inner, 'options { directory "$DIR"; pid-file "$DIR/root.pid"; listen-on { 10.0.0.2; }; '
                      'listen-on-v6 { none; }; recursion no; };\nzone "." { type primary; file "root"; };\n', {"root": PRIVATE_ROOT})
            hints = ". 3600000 NS ns.root.\nns.root. 3600000 A 10.0.0.2\n"
            net.named(inner, """options { directory "$DIR"; pid-file "$DIR/inner.pid"; listen-on { 10.0.0.1; }; listen-on-v6 { none; };
                                          recursion yes; };
                                zone "." { type hint; file "hints"; }; zone "corp" { type primary; file "corp"; };
                             """, {"hints": hints, "corp": CORP})
            net.named(gateway, """options { directory "$DIR"; pid-file "$DIR/gw.pid"; listen-on { 10.0.0.25; }; listen-on-v6 { ::1; }; };
                view "resolver" { match-destinations { ::1; }; match-clients { ::1; }; recursion yes;
                                  zone "." { type hint; file "outer.hints"; };
                                  zone "corp" { type forward; forward only; forwarders { 10.0.0.1; }; }; };
                view "internal" { match-clients { 10.0.0.0/24; }; recursion yes; zone "." { type hint; file "inner.hints"; }; };
                """, {"outer.hints": OUTER_HINTS, "inner.hints": hints})
            self.wildcards(inner)
            self.assertEqual(gateway.short("::1", "outside.example", "MX"), ["10 mx.outside.example."])
            self.assertEqual(gateway.short("::1", "outside.example"), ["198.51.100.80"])
            self.assertEqual(gateway.short("::1", "host.corp"), ["10.0.0.9"], "inner names through the inner server")
            for _ in range(2):  # what one view has learned the other does not know
                self.assertEqual(inner.short("10.0.0.25", "outside.example", "MX"), ["10 gateway.corp."])
                self.assertEqual(inner.short("10.0.0.25", "outside.example"), [])

    def wildcards(self, inner):
        """RFC 4592: a name that is there hides the wildcard, and so does an empty one above it."""
        gateway = ["10 gateway.corp."]
        for server in ("10.0.0.1", "10.0.0.2"):
            self.assertEqual(inner.short(server, "outside.example", "MX"), gateway)
            self.assertEqual(inner.short(server, "anything.at.all", "MX"), gateway)
        self.assertEqual(inner.status("10.0.0.1", "outside.example", "A"), "NOERROR")
        self.assertEqual(inner.short("10.0.0.1", "outside.example", "A"), [], "no outer name is visible")
        for name in ("host.corp", "nobody.corp", "x.nobody.corp", "corp"):
            self.assertEqual(inner.short("10.0.0.1", name, "MX"), gateway, name)
        for name in ("bare.corp", "below.corp", "deep.below.corp"):
            self.assertEqual(inner.short("10.0.0.1", name, "MX"), [], name)
        self.assertEqual(inner.status("10.0.0.1", "other.below.corp", "MX"), "NXDOMAIN")
        self.assertEqual(inner.status("10.0.0.1", "below.bare.corp", "MX"), "NXDOMAIN")


class ForwardOnly(Views):
    def test_F3_D_inner_servers_forward_and_keep_their_own_names_to_themselves(self):
        with Network() as net:
            inner, bastion, outside = (net.host(name) for name in ("inner", "bastion", "outside"))
            net.link(inner, "10.0.0.1/24", bastion, "10.0.0.254/24")
            inner.address("10.0.0.3/32")
            net.link(bastion, "198.51.100.1/24", outside, "198.51.100.9/24")
            far = net.named(outside, OUTER_CONF, {"root": OUTER_ROOT})
            cache = net.named(bastion, """options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { 10.0.0.254; };
                listen-on-v6 { none; }; recursion yes; allow-recursion { 10.0.0.0/24; }; };
                zone "." { type hint; file "hints"; };""", {"hints": OUTER_HINTS})
            net.named(inner, """options { directory "$DIR"; pid-file "$DIR/sub.pid"; listen-on { 10.0.0.3; }; listen-on-v6 { none; };
                recursion no; }; zone "sub.corp.test" { type primary; file "sub"; };""",
                      {"sub": soa() + "@ NS ns\nns A 10.0.0.3\nhost A 10.0.0.33\n"})
            corp = soa() + "@ NS ns\nns A 10.0.0.1\nhost A 10.0.0.9\nsub NS ns.sub\nns.sub A 10.0.0.3\n"
            net.named(inner, """options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { 10.0.0.1; }; listen-on-v6 { none; };
                recursion yes; forward only; forwarders { 10.0.0.254; }; };
                zone "corp.test" { type primary; file "corp"; forwarders { }; };
                zone "0.0.10.in-addr.arpa" { type primary; file "reverse"; };
                """, {"corp": corp, "reverse": soa() + "@ NS ns.corp.test.\n9 PTR host.corp.test.\n"})
            self.assertEqual(inner.short("10.0.0.1", "outside.example"), ["198.51.100.80"])
            before, far_before = cache.questions(), far.questions()
            self.assertEqual(inner.short("10.0.0.1", "host.corp.test"), ["10.0.0.9"])
            self.assertEqual(inner.short("10.0.0.1", "-x", "10.0.0.9"), ["host.corp.test."])
            self.assertEqual(inner.short("10.0.0.1", "host.sub.corp.test"), ["10.0.0.33"], "forwarders { } below our name")
            self.assertEqual(inner.status("10.0.0.1", "nobody.sub.corp.test"), "NXDOMAIN")
            for address in ("192.168.1.1", "172.20.0.1", "10.9.9.9", "169.254.1.1", "127.0.0.1", "fd00::1"):
                self.assertIn(inner.status("10.0.0.1", "-x", address), ("NXDOMAIN", "NOERROR"), address)
            self.assertEqual(cache.questions(), before, "nothing of that has left the inner server")
            self.assertEqual(inner.status("10.0.0.1", "nobody.example"), "NXDOMAIN")
            self.assertGreater(cache.questions(), before)
            self.assertGreater(far.questions(), far_before)
            cache.process.terminate()
            cache.process.wait(20)
            self.assertEqual(inner.status("10.0.0.1", "another.example"), "SERVFAIL", "forward only asks nobody else")
            self.assertEqual(inner.short("10.0.0.1", "host.corp.test"), ["10.0.0.9"])


PUBLIC_E = "@ MX 10 bastion\nns A 192.0.2.1\nbastion A 192.0.2.25\nwww A 192.0.2.80\n"
INTERNAL_E = soa() + ("@ NS ns\n@ MX 10 hub\nns A 10.0.0.1\nhub A 10.0.0.25\nwww A 10.0.0.80\nbastion A 172.16.0.25\n"
                      "db A 10.0.0.50\n_ldap._tcp SRV 0 0 389 db\nintranet CNAME www\n*.lab A 10.0.0.60\nlab TXT \"inside\"\n"
                      + "".join(f"pc{i} A 10.0.1.{i}\n" for i in range(1, 40)))
EXTERNAL_E = soa() + "@ NS ns\n" + PUBLIC_E
DMZ_E = soa() + "@ NS ns\n" + PUBLIC_E + "db A 10.0.0.50\n"
CHILD_E = soa() + "@ NS ns.corp.test.\n" + "".join(f"{i} PTR host{i}.corp.test.\n" for i in (129, 130, 200))
REVERSE_E = soa() + "@ NS ns.corp.test.\n" + "".join(f"{i}.1 PTR pc{i}.corp.test.\n" for i in range(1, 40))
PRIVATE = "10.0.0.0/8; 172.16.0.0/12; 192.168.0.0/16;"
CONF_E = key("look-inside") + f"""
acl lan {{ 10.0.0.0/16; 127.0.0.1; }};
acl dmz {{ 172.16.0.0/24; }};
options {{ directory "$DIR"; pid-file "$DIR/named.pid"; listen-on {{ 10.0.0.1; 172.16.0.1; 192.0.2.1; }};
          listen-on-v6 {{ none; }}; notify no; query-source address 192.0.2.53; use-v4-udp-ports {{ range 20000 20100; }};
          deny-answer-addresses {{ {PRIVATE} }} except-from {{ "corp.test"; }};
          deny-answer-aliases {{ "corp.test"; }}; disable-empty-zone "2.0.192.in-addr.arpa"; }};
view "internal" {{
  match-clients {{ key look-inside; lan; }};
  recursion yes; allow-transfer {{ key look-inside; }};
  zone "." {{ type hint; file "hints"; }};
  zone "corp.test" {{ type primary; file "internal"; }};
  zone "0.10.in-addr.arpa" {{ type primary; file "reverse"; }};
  zone "128/25.2.0.192.in-addr.arpa" {{ type primary; file "child"; }};
}};
view "dmz" {{
  match-clients {{ dmz; }};
  recursion no;
  zone "corp.test" {{ type primary; file "dmz"; }};
}};
view "external" {{
  match-clients {{ any; }};
  recursion no;
  zone "corp.test" {{ type primary; file "external"; }};
  zone "128/25.2.0.192.in-addr.arpa" {{ in-view "internal"; }};
}};
"""
# The provider: root, the parent of our addresses (RFC 2317), and somebody who points names of his at us.
PROVIDER_E = soa() + (". NS ns.outer.\nns.outer. A 192.0.2.9\n"
                      "128/25.2.0.192.in-addr.arpa. NS ns.corp.test.\nns.corp.test. A 192.0.2.1\ncorp.test. NS ns.corp.test.\n"
                      + "".join(f"{i}.2.0.192.in-addr.arpa. CNAME {i}.128/25.2.0.192.in-addr.arpa.\n" for i in range(128, 256)) +
                      "rebind.evil. A 10.0.0.50\nrebind2.evil. A 192.168.1.1\nbind.evil. CNAME db.corp.test.\nfine.evil. A 198.51.100.1\n"
                      + "big.evil. TXT " + " ".join('"' + c * 250 + '"' for c in "abcdefghij") + "\n")
FILTER_E = """table inet split {
 chain entering {
  type filter hook input priority 0; policy accept;
  udp dport 53 ip saddr 192.0.2.53 udp sport 20000-20100 accept
  udp dport 53 ip saddr 192.0.2.53 drop
  udp dport 53 ip saddr 192.0.2.1 drop
 }
}
"""


class DmzAsThirdView(Views):
    def test_F3_E_three_views_and_their_guards(self):
        with Network() as net:
            inside, dmz, outside, server = (net.host(name) for name in ("inside", "dmz", "outside", "server"))
            net.link(inside, "10.0.0.7/16", server, "10.0.0.1/16")
            net.link(dmz, "172.16.0.7/24", server, "172.16.0.1/24")
            net.link(outside, "192.0.2.9/24", server, "192.0.2.1/24")
            server.address("192.0.2.53/32")
            outside.filter(FILTER_E)
            net.named(outside, 'options { directory "$DIR"; listen-on { 192.0.2.9; }; listen-on-v6 { none; }; recursion no; };\n'
                      'zone "." { type primary; file "root"; };\n', {"root": PROVIDER_E})
            named = net.named(server, CONF_E, {
                "internal": INTERNAL_E, "external": EXTERNAL_E, "dmz": DMZ_E, "child": CHILD_E, "reverse": REVERSE_E,
                "hints": ". 3600000 NS ns.outer.\nns.outer. 3600000 A 192.0.2.9\n"})
            self.what_the_dmz_sees(dmz)
            self.reverse_by_the_provider(inside, outside)
            self.guards(inside)
            self.nothing_leaks(inside, outside, dmz, named)

    def what_the_dmz_sees(self, dmz):
        self.assertEqual(dmz.short("172.16.0.1", "www.corp.test"), ["192.0.2.80"])
        self.assertEqual(dmz.short("172.16.0.1", "db.corp.test"), ["10.0.0.50"], "the one inner name that it must reach")
        self.assertEqual(dmz.status("172.16.0.1", "pc1.corp.test"), "NXDOMAIN")
        self.assertEqual(dmz.status("172.16.0.1", "fine.evil"), "REFUSED")

    def reverse_by_the_provider(self, inside, outside):
        """RFC 2317: the provider's zone has aliases into a child zone of ours."""
        expected = ["130.128/25.2.0.192.in-addr.arpa.", "host130.corp.test."]
        self.assertEqual(inside.short("10.0.0.1", "-x", "192.0.2.130"), expected)
        self.assertEqual(outside.short("192.0.2.1", "130.128/25.2.0.192.in-addr.arpa", "PTR"), expected[1:])
        self.assertEqual(inside.status("10.0.0.1", "-x", "192.0.2.131"), "NXDOMAIN")

    def guards(self, inside):
        self.assertEqual(inside.short("10.0.0.1", "fine.evil"), ["198.51.100.1"], "asked from the address and ports that may")
        self.assertEqual(len(inside.dig("10.0.0.1", "big.evil", "TXT", "+short", "+tcp")), 10 * 253, "what is cut comes over TCP")
        for name in ("rebind.evil", "rebind2.evil", "bind.evil"):
            text = inside.dig("10.0.0.1", name)
            self.assertIn("status: SERVFAIL", text, name)
            self.assertNotIn("10.0.0.50\n", text)

    def nothing_leaks(self, inside, outside, dmz, named):
        """Every name of the inner zones, asked from outside and from the DMZ: unknown, or public as the outer zone has it."""
        public = {"corp.test.", "ns.corp.test.", "bastion.corp.test.", "www.corp.test."}
        names = set()
        for zone in ("corp.test", "0.10.in-addr.arpa"):
            text = inside.dig("10.0.0.1", "-y", with_key("look-inside"), zone, "AXFR", "+noall", "+answer")
            names |= {line.split()[0].lower() for line in text.splitlines() if line and not line.startswith(";")}
        self.assertGreater(len(names), 80)
        names |= {"host.lab.corp.test.", "_tcp.corp.test."}
        ask = [word for name in sorted(names) for kind in ("A", "MX", "TXT", "PTR", "SRV", "CNAME")
               for word in (name, kind, "+noall", "+answer", "+comments", "+additional", "+norecurse")]
        for host, server, known in ((outside, "192.0.2.1", public), (dmz, "172.16.0.1", public | {"db.corp.test."})):
            questions = os.path.join(named.directory.name, "questions")
            with open(questions, "w") as f:
                f.write("\n".join(" ".join(ask[i:i + 7]) for i in range(0, len(ask), 7)) + "\n")
            text = host.dig(server, "-f", questions)
            answers = text.split(";; Got answer:")[1:]
            self.assertEqual(len(answers), len(ask) // 7)
            for i, answer in enumerate(answers):
                name = ask[7 * i]
                expected = ("NOERROR",) if name in known else ("NXDOMAIN", "REFUSED")
                self.assertIn(answer.split("status: ")[1].split(",")[0], expected, f"{server} {name}:\n{answer}")
                allowed = answer.replace("db.corp.test.\t\t300\tIN\tA\t10.0.0.50", "") if "db.corp.test." in known else answer
                self.assertNotRegex(allowed, r"\s(10|172\.16)\.\d+\.\d+", f"{server} {name}")


if __name__ == "__main__":
    unittest.main()
