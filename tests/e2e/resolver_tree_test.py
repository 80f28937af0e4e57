"""named-lite as a resolver against a DNS of its own: a root, a top level domain, a leaf, and servers that are lame, dead,
slow, or lie in every way that attackers have found. `resolver_tree_test.py --table` says what each question did cost.
"""

import os
import socket
import time

import tree_stories
from dns_tree import CLIENT, packets
from dns_wire import AA, RA, TC, Message
from lying_server import RESOLVER, fickle, random_label
from tree_stories import NOERROR, NXDOMAIN, REFUSED, SERVFAIL, WWW, addresses
from umaya_instance import PATIENCE, SANITIZED, wait_for


class Stories(tree_stories.Stories):
    # What is in order.

    def test_a_name_is_found_from_the_root_downwards(self):
        resolver = self.resolver()
        cost = self.finds(resolver, "www.leaf.test", WWW)
        self.assertLessEqual(cost.queries, 6)
        self.assertTrue(cost.answer.flags & RA)
        self.assertFalse(cost.answer.flags & AA)
        self.assertEqual(self.ask(resolver, "WWW.leaf.test").queries, 0, "it is known now")
        self.assertLessEqual(self.ask(resolver, "mail.leaf.test").queries, 2)
        self.assertEqual(self.ask(resolver, "alias.leaf.test").answer.sections[0][-1][0][0], b"www")
        self.assertEqual(addresses(self.ask(resolver, "www.below.leaf.test").answer), [WWW])
        self.assertEqual(self.ask(resolver, "nobody.leaf.test").answer.rcode, NXDOMAIN)
        self.assertEqual(self.ask(resolver, "nobody.leaf.test").queries, 0)
        self.finds(resolver, "www.glueless.test", WWW)

    def test_an_answer_that_is_larger_than_a_packet_comes_over_tcp(self):
        resolver = self.resolver()
        over_udp = self.ask(resolver, "many.leaf.test").answer
        self.assertTrue(over_udp.flags & TC)
        self.assertEqual(len(self.ask(resolver, "many.leaf.test", tcp=True).answer.sections[0]), 99)

    def test_a_lame_server_and_a_dead_one_do_not_keep_others_from_answering(self):
        resolver = self.resolver()
        for name in ("www.half-lame.test", "www.half-dead.test"):
            self.finds(resolver, name, WWW)
        self.fails(resolver, "www.lame.test")
        self.fails(resolver, "www.dead.test")

    def test_a_slow_server_is_waited_for_and_asked_once(self):
        resolver = self.resolver()
        cost = self.finds(resolver, "www.slow.test")
        self.assertGreater(cost.seconds, 0.9)
        before = len(self.tree.liar.asked("slow.test"))
        self.finds(resolver, "second.slow.test")
        self.assertEqual(len(self.tree.liar.asked("slow.test")) - before, 1, "its time is known now")

    # D34

    def test_D34_ports_and_ids_are_spread_and_equal_questions_are_asked_once(self):
        resolver = self.resolver()
        self.leaf_is_right(resolver)
        self.finds(resolver, "first.slow.test")
        before = len(self.tree.liar.asked("slow.test"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(10 * PATIENCE)
            for number in range(80):
                s.sendto(resolver.packet("birthday.slow.test", number=number), ("127.0.0.1", 53))
            got = [Message(s.recv(4096)) for _ in range(80)]
        self.assertEqual({each.rcode for each in got}, {NOERROR})
        self.assertEqual(len(self.tree.liar.asked("slow.test")) - before, 1, "one question is under way")
        seen = len(self.tree.liar.asked("none.test"))
        for _ in range(60):
            resolver.send(resolver.packet(f"{random_label()}.none.test"))
        ids = [q.number for q in self.tree.liar.asked("none.test")[seen:]]
        self.assertGreater(len(set(ids)), len(ids) - 5)
        self.assertGreater(max(ids) - min(ids), 20000)

    # D35

    def test_D35_packets_that_are_not_the_answer_are_ignored_and_do_not_end_the_wait(self):
        resolver = self.resolver()
        for zone in ("wrong-id", "wrong-port", "wrong-address", "wrong-question", "wrong-type", "no-answer-bit", "garbage"):
            with self.subTest(zone):
                self.finds(resolver, f"www.{zone}.test")
                again = self.finds(resolver, f"second.{zone}.test")
                self.assertEqual(again.queries, 1, "the server is not thought lame, nor without EDNS")
                self.assertGreater(self.tree.liar.asked(f"{zone}.test")[-1].edns, 0)
        self.leaf_is_right(resolver)

    def test_D35_after_many_guesses_the_question_goes_over_tcp(self):
        cost = self.finds(self.resolver(), "www.flood.test")
        self.assertLessEqual(cost.queries, 8)
        self.assertTrue(self.tree.liar.asked("flood.test")[-1].tcp)

    def test_D35_a_server_that_changes_the_case_of_letters_is_understood(self):
        self.finds(self.resolver(), "www.other-case.test")

    def test_D35_use_caps_for_id_asks_with_letters_of_random_case(self):
        def spelled(resolver, zone, name):
            return {q.packet[12:q.size - 4] for q in self.asked_of(zone, resolver, name)}

        name = "abcdefghijklmnopqrstuvwxyz.wrong-type.test"
        plain = self.resolver()
        self.assertEqual([s for s in spelled(plain, "wrong-type.test", name) if s != s.lower()], [])
        plain.close()
        resolver = self.resolver("use-caps-for-id yes;")
        asked = spelled(resolver, "wrong-type.test", name)
        self.assertTrue(asked and all(s not in (s.lower(), s.upper()) for s in asked), asked)
        self.finds(resolver, "www.other-case.test")  # it does not give the letters back as they came

    # D36

    def test_D36_what_stands_beside_an_answer_is_neither_told_nor_remembered(self):
        resolver = self.resolver()
        for zone in ("extra-authority", "extra-answer"):
            with self.subTest(zone):
                cost = self.finds(resolver, f"www.{zone}.test")
                self.assertEqual([len(section) for section in cost.answer.sections], [1, 0, 0])
        self.leaf_is_right(resolver)
        self.assertEqual(self.ask(resolver, "www.victim.test").answer.rcode, NXDOMAIN)

    def test_D36_an_alias_out_of_the_zone_is_followed_by_asking(self):
        cost = self.ask(self.resolver(), "www.alias-with-more.test")
        self.assertEqual((cost.answer.rcode, addresses(cost.answer)), (NOERROR, [WWW]))

    def test_D36_referrals_sidewards_and_upwards_lead_nowhere(self):
        resolver = self.resolver()
        self.fails(resolver, "www.sideways.test")
        self.fails(resolver, "www.upwards.test")
        self.leaf_is_right(resolver)

    def test_D36_glue_of_somebody_elses_servers_is_not_used(self):
        resolver = self.resolver()
        self.ask(resolver, "www.sub.glue-of-others.test")
        self.leaf_is_right(resolver)
        self.assertEqual(addresses(self.ask(resolver, "ns1.leaf.test").answer), ["192.0.2.3"])

    # D37

    def test_D37_questions_carry_DF_and_ask_for_1232_octets_at_most(self):
        resolver = self.resolver()
        before = packets("may_be_cut")
        seen = len(self.tree.liar.questions)
        self.finds(resolver, "www.extra-answer.test")
        self.finds(resolver, "www.truncates-udp.test")
        self.assertEqual(packets("may_be_cut") - before, 0)
        self.assertEqual({q.edns for q in self.tree.liar.questions[seen:]}, {1232})

    # D38

    def test_D38_a_flood_of_random_names_costs_one_question_each(self):
        resolver = self.resolver()
        self.ask(resolver, "first.none.test")
        before = resolver.upstream()
        for _ in range(200):
            self.assertEqual(resolver.send(resolver.packet(f"{random_label()}.none.test")).rcode, NXDOMAIN)
        self.assertLessEqual(resolver.upstream() - before, 202)
        self.leaf_is_right(resolver)

    def test_D38_a_zone_that_its_parent_took_away_is_gone_when_that_referral_has_ended(self):
        resolver = self.resolver()
        fickle.gone = False
        self.addCleanup(setattr, fickle, "gone", False)
        self.finds(resolver, "www.child.fickle.test")
        fickle.gone = True
        for _ in range(5):
            self.ask(resolver, "child.fickle.test", "NS")
            time.sleep(0.5)
        self.assertEqual(self.ask(resolver, "other.child.fickle.test").answer.rcode, NXDOMAIN)

    # D39

    def test_D39_a_referral_to_many_names_of_a_victim_costs_it_few_questions(self):
        resolver = self.resolver()
        before = len(self.tree.liar.asked("victim.test"))
        self.fails(resolver, "www.first.nxns.test")
        self.assertLessEqual(len(self.tree.liar.asked("victim.test")) - before, 12, "five names, A and AAAA, and the apex")
        again = self.fails(resolver, "www.first.nxns.test")
        self.assertEqual(again.queries, 0)

    def test_D39_a_server_with_very_many_addresses_is_tried_at_few(self):
        self.fails(self.resolver(), "www.sub.many-addresses.test")

    def test_D39_aliases_end_after_eleven_steps(self):
        resolver = self.resolver()
        self.assertLessEqual(self.fails(resolver, "c0.chain.test").queries, 20)
        self.assertLessEqual(self.fails(resolver, "a.loop.test").queries, 20)

    def test_D39_zones_that_lead_to_ever_more_zones_end(self):
        resolver = self.resolver()
        self.fails(resolver, "www.z0.camp.test")
        self.fails(resolver, "a.b.c.d.e.f.g.h.i.j.k.down.test")
        self.leaf_is_right(resolver)

    def test_D39_zones_whose_servers_need_one_another_end_at_once(self):
        resolver = self.resolver()
        self.assertLessEqual(self.fails(resolver, "www.cyclic1.test").queries, 20)
        self.assertEqual(self.fails(resolver, "www.cyclic1.test").queries, 0, "that is remembered")
        self.assertLessEqual(self.fails(resolver, "www.self.test").queries, 10)

    def test_D39_glue_that_names_the_resolver_itself_does_not_go_round(self):
        resolver = self.resolver()
        self.fails(resolver, "www.sub.self-glue.test")
        self.fails(resolver, "www.self-address.test")
        self.leaf_is_right(resolver)

    def test_D39_a_server_that_always_truncates_is_asked_a_few_times(self):
        resolver = self.resolver()
        self.assertLessEqual(self.fails(resolver, "www.truncates.test").queries, 12)
        self.finds(resolver, "www.truncates-udp.test")

    def test_D39_a_server_that_does_not_know_EDNS_is_asked_without_it_and_that_is_remembered(self):
        resolver = self.resolver()
        self.finds(resolver, "www.formerr.test")
        self.assertEqual(self.finds(resolver, "second.formerr.test").queries, 1)
        self.assertLessEqual(self.fails(resolver, "www.badvers-always.test").queries, 10)

    def test_D39_silent_and_failing_servers_cost_little(self):
        resolver = self.resolver()
        for zone in ("silent", "servfail"):
            self.assertLessEqual(self.fails(resolver, f"www.{zone}.test").queries, 12)

    # D40

    def test_D40_a_failure_is_remembered_and_costs_nothing_meanwhile(self):
        resolver = self.resolver()
        self.fails(resolver, "www.servfail.test")
        self.assertEqual(self.fails(resolver, "www.servfail.test").queries, 0)

    def test_D40_a_flood_at_a_silent_zone_is_bounded_and_others_are_answered(self):
        resolver = self.resolver("fetches-per-zone 20 fail;")
        self.leaf_is_right(resolver)
        before = resolver.upstream()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.settimeout(15 * PATIENCE)
            for number in range(400):
                s.sendto(resolver.packet(f"{random_label()}.silent.test", number=number), ("127.0.0.1", 53))
            start = time.monotonic()
            self.assertEqual(addresses(resolver.send(resolver.packet("mail.leaf.test"))), ["198.51.100.25"])
            self.assertLess(time.monotonic() - start, PATIENCE)
            got = [Message(s.recv(4096)) for _ in range(400)]
        self.assertEqual({each.rcode for each in got}, {SERVFAIL})
        self.assertLessEqual(resolver.upstream() - before, 20 * 4 + 20)

    # D41

    def test_D41_TTLs_of_nothing_and_of_for_ever(self):
        resolver = self.resolver()
        for name in ("zero.ttl.test", "huge.ttl.test"):
            self.finds(resolver, name)
            self.assertEqual(self.finds(resolver, name).queries, 1, f"{name} is not kept (RFC 2181 8)")
        cost = self.finds(resolver, "most.ttl.test")
        self.assertLessEqual(cost.answer.sections[0][0][3], 604800)
        self.finds(resolver, "short.ttl.test")
        self.ask(resolver, "brief.ttl.test")
        self.assertLessEqual(self.ask(resolver, "never.ttl.test").answer.sections[1][0][3], 10800)
        time.sleep(1.1)
        self.assertEqual(self.finds(resolver, "short.ttl.test").queries, 1, "its second is over")
        self.assertEqual(self.ask(resolver, "brief.ttl.test").queries, 1)
        self.assertEqual(self.ask(resolver, "never.ttl.test").queries, 0)

    def test_D41_an_alias_beside_other_data_and_two_aliases_mislead_nobody(self):
        resolver = self.resolver()
        self.ask(resolver, "www.alias-and-more.test", kind="MX")
        self.fails(resolver, "www.two-aliases.test")

    # D42

    def test_D42_clients_that_go_away_leave_nothing_behind(self):
        resolver = self.resolver()
        self.leaf_is_right(resolver)
        recursion, query = resolver.role("recursion"), resolver.role("query0")
        before = resolver.memory(), len(os.listdir(f"/proc/{query}/fd")), len(os.listdir(f"/proc/{recursion}/fd"))
        for number in range(120):
            with socket.create_connection(("127.0.0.1", 53), 5) as s:
                packet = resolver.packet(f"{random_label()}.slow.test", number=number)
                s.sendall(len(packet).to_bytes(2, "big") + packet)
        resolver.wait_quiet(3)
        self.assertEqual((recursion, query), (resolver.role("recursion"), resolver.role("query0")))
        wait_for(lambda: len(os.listdir(f"/proc/{query}/fd")) <= before[1] + 1, 20, "the connections are closed")
        wait_for(lambda: len(os.listdir(f"/proc/{recursion}/fd")) <= before[2] + 1, 20, "the sockets are closed")
        self.assertLess(resolver.memory() - before[0], 4096 * (20 if SANITIZED else 1))
        self.leaf_is_right(resolver)

    # D46, D47, D48, D49

    def test_D46_addresses_of_the_inside_from_outside_are_refused_when_that_is_said(self):
        open_to_all = self.resolver()
        self.assertEqual(addresses(self.ask(open_to_all, "www.inner.test").answer), ["10.1.2.3"])
        open_to_all.close()
        guarded = self.resolver('deny-answer-addresses { 10.0.0.0/8; } except-from { "leaf.test"; };')
        self.fails(guarded, "www.inner.test")
        self.finds(guarded, "other.inner.test")

    def test_D47_names_of_the_inside_are_never_asked_for(self):
        resolver = self.resolver()
        for name, kind, rcode in (("localhost", "A", NOERROR), ("x.localhost", "A", None), ("1.0.0.10.in-addr.arpa", "PTR", NXDOMAIN),
                                  ("5.0.168.192.in-addr.arpa", "PTR", NXDOMAIN), ("1.0.0.127.in-addr.arpa", "PTR", NOERROR),
                                  ("a.onion", "A", NXDOMAIN), ("a.invalid", "A", NXDOMAIN), ("a.home.arpa", "A", NXDOMAIN)):
            cost = self.ask(resolver, name, kind)
            self.assertEqual(cost.queries, 0, name)
            if rcode is not None:
                self.assertEqual(cost.answer.rcode, rcode, name)

    def test_D48_strangers_are_refused_and_the_cache_is_not_shown_without_RD(self):
        resolver = self.resolver(allow="127.0.0.1")
        self.leaf_is_right(resolver)
        before = resolver.upstream()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.bind((CLIENT, 0))
            for name in ("www.leaf.test", "mail.leaf.test"):
                s.sendto(resolver.packet(name), (RESOLVER, 53))
                refused = Message(s.recv(4096))
                self.assertEqual((refused.rcode, refused.flags & RA, refused.sections[0]), (REFUSED, 0, []))
        snooped = resolver.send(resolver.packet("www.leaf.test", flags=0))
        self.assertEqual((snooped.rcode, snooped.sections[0]), (REFUSED, []))
        self.assertEqual(resolver.upstream(), before)

    def test_D49_memory_is_bounded_under_very_many_answers(self):
        resolver = self.resolver("max-cache-size 8m;")
        self.leaf_is_right(resolver)
        before = resolver.memory()
        self.ask_many(resolver, 12000)
        grown = resolver.memory() - before
        self.assertLess(grown, 8 * 1024 * (1.2 if not SANITIZED else 60), "KiB for a cache of 8 MiB")
        self.leaf_is_right(resolver)

    def ask_many(self, resolver, count):
        """Distinct large answers, 64 at a time."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(3 * PATIENCE)
            sent = got = 0
            while got < count:
                while sent < count and sent - got < 64:
                    s.sendto(resolver.packet(f"n{sent}.many.test", "TXT", number=sent & 0xFFFF), ("127.0.0.1", 53))
                    sent += 1
                answer = Message(s.recv(4096))
                self.assertEqual((answer.rcode, len(answer.sections[0])), (NOERROR, 1))
                got += 1


IN_TREE = tree_stories.InTree(__file__, Stories)
ResolverTree = IN_TREE.tests()
del Stories  # run inside alone

if __name__ == "__main__":
    IN_TREE.main()
