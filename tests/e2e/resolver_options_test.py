"""What named.conf says of recursion, in a DNS of its own (tree_stories.py)."""

import socket
import time

import lying_server
import tree_stories
from dns_tree import LEAF
from dns_wire import Message
from tree_stories import NOERROR, NXDOMAIN, SERVFAIL, WWW
from umaya_instance import PATIENCE


class Stories(tree_stories.Stories):
    def test_a_stub_zone_is_asked_of_the_servers_that_its_primaries_name(self):
        resolver = self.resolver(statements=f'zone "leaf.test" {{ type stub; primaries {{ {LEAF}; }}; }};')
        cost = self.finds(resolver, "www.leaf.test", WWW)
        self.assertLessEqual(cost.queries, 4, "neither the root nor .test is asked, one of the two servers is dead")
        self.assertLessEqual(self.ask(resolver, "mail.leaf.test").queries, 2)
        self.assertEqual(self.ask(resolver, "leaf.test", "NS").answer.rcode, NOERROR)

    def test_a_static_stub_zone_is_asked_of_its_addresses_and_of_names(self):
        wrong = "192.0.2.193"
        resolver = self.resolver(statements=f"""
zone "leaf.test" {{ type static-stub; server-addresses {{ {LEAF}; }}; }};
zone "other-leaf.test" {{ type static-stub; server-names {{ "ns1.leaf.test"; }}; }};
zone "half-dead.test" {{ type static-stub; server-addresses {{ {wrong}; }}; server-names {{ "ns1.leaf.test"; }}; }};
""")
        self.assertEqual(self.finds(resolver, "www.leaf.test", WWW).queries, 1)
        self.assertLessEqual(self.finds(resolver, "www.other-leaf.test", WWW).queries, 2)
        self.finds(resolver, "www.half-dead.test", WWW)

    def test_server_clauses_say_how_a_server_is_spoken_to(self):
        liars = lying_server.ADDRESSES
        resolver = self.resolver(statements=f"""
server {liars["victim"]} {{ bogus yes; }};
server {liars["inner"]} {{ edns no; }};
server {liars["truncates-udp"]} {{ tcp-only yes; }};
server {liars["other-case"]} {{ edns-udp-size 700; send-cookie no; }};
""")
        seen = len(self.tree.liar.asked("victim.test"))
        self.fails(resolver, "www.victim.test")
        self.assertEqual(len(self.tree.liar.asked("victim.test")), seen)
        self.assertEqual({q.edns for q in self.asked_of("inner.test", resolver, "good.inner.test")}, {0})
        self.assertEqual({q.tcp for q in self.asked_of("truncates-udp.test", resolver, "www.truncates-udp.test")}, {True})
        other = self.asked_of("other-case.test", resolver, "www.other-case.test")
        self.assertEqual({(q.edns, b"\0\x0a\0\x08" in q.packet[q.size:]) for q in other}, {(700, False)})
        usual = self.asked_of("wrong-type.test", resolver, "www.wrong-type.test")
        self.assertEqual({(q.edns, b"\0\x0a\0\x08" in q.packet[q.size:]) for q in usual}, {(1232, True)})

    def test_edns_udp_size_and_use_v4_udp_ports(self):
        resolver = self.resolver("edns-udp-size 900; use-v4-udp-ports { range 40000 40015; };")
        seen = []
        for number in range(8):
            seen += self.asked_of("wrong-type.test", resolver, f"w{number}.wrong-type.test")
        self.assertEqual({q.edns for q in seen}, {900})
        self.assertTrue(all(40000 <= q.port <= 40015 for q in seen), [q.port for q in seen])
        self.assertGreater(len({q.port for q in seen}), 2)

    def test_qname_minimization_off_relaxed_and_strict(self):
        deep = "www.inside.empty-names.test"
        for mode, names in (("off", {deep}), ("relaxed", {"inside.empty-names.test", deep})):
            resolver = self.resolver(f"qname-minimization {mode};")
            self.assertEqual({q.name for q in self.asked_of("empty-names.test", resolver, deep)}, names)
            resolver.close()
        strict = self.resolver("qname-minimization strict;")
        self.assertEqual(self.ask(strict, deep).answer.rcode, NXDOMAIN)
        self.assertEqual(self.ask(strict, deep).queries, 0)
        self.leaf_is_right(strict)

    def test_servfail_ttl(self):
        resolver = self.resolver("servfail-ttl 0;")
        self.fails(resolver, "www.servfail.test")
        self.assertGreater(self.fails(resolver, "www.servfail.test").queries, 0)
        resolver.close()
        resolver = self.resolver("servfail-ttl 8;")
        self.fails(resolver, "www.servfail.test")
        time.sleep(2.5)
        self.assertEqual(self.fails(resolver, "www.servfail.test").queries, 0)

    def test_least_and_greatest_TTLs_of_the_cache(self):
        resolver = self.resolver("min-cache-ttl 60; min-ncache-ttl 50; max-cache-ttl 70; max-ncache-ttl 55;")
        self.assertEqual(self.finds(resolver, "zero.ttl.test").answer.sections[0][0][3], 60)
        self.assertEqual(self.finds(resolver, "zero.ttl.test").queries, 0)
        self.assertEqual(self.finds(resolver, "most.ttl.test").answer.sections[0][0][3], 70)
        self.assertEqual(self.ask(resolver, "brief.ttl.test").answer.sections[1][0][3], 50)
        self.assertEqual(self.ask(resolver, "never.ttl.test").answer.sections[1][0][3], 55)

    def flood(self, resolver, names):
        """Sends questions for all names; the answers that come."""
        got = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            for number, name in enumerate(names):
                s.sendto(resolver.packet(name, number=number), ("127.0.0.1", 53))
            s.settimeout(4 * PATIENCE)
            try:
                while True:
                    got.append(Message(s.recv(4096)))
            except TimeoutError:
                return got

    def test_beyond_a_quota_questions_fail_or_are_dropped(self):
        for action, answered in (("fail", 60), ("drop", 5)):
            resolver = self.resolver(f"fetches-per-zone 5 {action};")
            self.fails(resolver, "first.silent.test")
            got = self.flood(resolver, [f"n{number}.silent.test" for number in range(60)])
            self.assertEqual((len(got), {each.rcode for each in got}), (answered, {SERVFAIL}))
            self.leaf_is_right(resolver)
            resolver.close()

    def test_more_than_clients_per_query_get_no_answer_until_it_has_grown(self):
        resolver = self.resolver("clients-per-query 3; max-clients-per-query 9;")
        self.finds(resolver, "first.slow.test")
        for waiting in (3, 8, 9):
            got = self.flood(resolver, [f"crowd{waiting}.slow.test"] * 30)
            self.assertEqual((len(got), {each.rcode for each in got}), (waiting, {NOERROR}))

    def test_more_than_recursive_clients_are_refused_service_at_once(self):
        resolver = self.resolver("recursive-clients 4;")
        self.finds(resolver, "first.slow.test")
        got = self.flood(resolver, [f"many{number}.slow.test" for number in range(20)])
        self.assertEqual(sorted(each.rcode for each in got), [NOERROR] * 4 + [SERVFAIL] * 16)


IN_TREE = tree_stories.InTree(__file__, Stories)
ResolverOptions = IN_TREE.tests()
del Stories  # run inside alone

if __name__ == "__main__":
    IN_TREE.main()
