"""Answers that come from other name servers, at once from the cache or later: cookies, options, rate limits, and what our
own zones have to do with them."""

import socket
import unittest

import dns_peers
from dns_peers import dig
from dns_wire import RD, TC, Edns, Message, ask, question
from recursion_test import OWN, Forwarder, recursive
from umaya_instance import PATIENCE
from update_test import SECRET, ZONE, Dynamic

COOKIE, NSID = 10, 3
CLIENT_COOKIE = b"12345678"
LIMIT = "rate-limit { responses-per-second 3; nxdomains-per-second 3; window 2; slip 0; };"


def query(server, name, kind="A", options=(), tcp=False, edns=True):
    packet = question(name, kind, RD, Edns(options=options) if edns else None)
    answer = ask(server.port, packet, tcp=tcp, seconds=5 * PATIENCE)
    return Message(answer) if answer else None


def answered(server, packets, seconds=1.5):
    """Sends all from one socket; the answers that come."""
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for packet in packets:
            s.sendto(packet, ("127.0.0.1", server.port))
        s.settimeout(seconds * PATIENCE)
        try:
            while True:
                got.append(Message(s.recv(4096)))
        except TimeoutError:
            return got


class CachedAnswers(unittest.TestCase):
    def test_cookie_and_NSID_are_in_answers_of_others_fresh_and_cached(self):
        with Forwarder() as far, recursive(far, 'server-id "desk7";') as server:
            wanted = [(COOKIE, CLIENT_COOKIE), (NSID, b"")]
            for tcp in (False, True):
                for name in (f"www{tcp}.far.test", f"www{tcp}.far.test", "out.ex.test"):
                    answer = query(server, name, options=wanted, tcp=tcp)
                    self.assertEqual(answer.rcode, 0)
                    cookie = answer.option(COOKIE)
                    self.assertEqual((len(cookie), cookie[:8]), (24, CLIENT_COOKIE))
                    self.assertEqual(answer.option(NSID), b"desk7")
                    plain = query(server, name, tcp=tcp)
                    self.assertEqual(plain.edns.options, ())
                    self.assertIsNone(query(server, name, tcp=tcp, edns=False).edns)
            asked = len(far.asked)
            far.silent = True
            own = query(server, "mail.ex.test", options=[(COOKIE, cookie)])
            self.assertEqual(own.option(COOKIE)[:16], cookie[:16], "one secret for all")
            self.assertEqual(query(server, "wwwTrue.far.test", options=[(COOKIE, cookie)]).rcode, 0)
            self.assertEqual(len(far.asked), asked)

    def test_who_has_no_cookie_is_limited_and_who_has_one_or_asks_over_tcp_is_not(self):
        with Forwarder() as far, recursive(far, LIMIT, arguments=("-n", "1")) as server:
            cookie = query(server, "www.far.test", options=[(COOKIE, CLIENT_COOKIE)]).option(COOKIE)
            asked = len(far.asked)
            plain = [question("www.far.test", "A", RD, number=i) for i in range(60)]
            self.assertLess(len(answered(server, plain)), 15)
            known = [question("www.far.test", "A", RD, Edns(options=[(COOKIE, cookie)]), number=i) for i in range(60)]
            self.assertEqual(len(answered(server, known)), 60)
            self.assertEqual(len(server.tcp(*plain)), 60)
            self.assertEqual(len(far.asked), asked, "all of them came from the cache")

    def test_answers_that_come_later_are_limited_too(self):
        with Forwarder(delay=0.5) as far, recursive(far, LIMIT, arguments=("-n", "1")) as server:
            cookie = query(server, "www.far.test", options=[(COOKIE, CLIENT_COOKIE)]).option(COOKIE)
            plain = [question("slow.far.test", "A", RD, number=i) for i in range(60)]
            self.assertLess(len(answered(server, plain)), 15)
            known = [question("slower.far.test", "A", RD, Edns(options=[(COOKIE, cookie)]), number=i) for i in range(60)]
            self.assertEqual(len(answered(server, known)), 60)

    def test_names_that_do_not_exist_are_limited_together_for_a_zone(self):
        """Random names below one zone are one account, as with our own zones."""
        with Forwarder() as far, recursive(far, LIMIT, arguments=("-n", "1")) as server:
            packets = [question(f"nothing{i}.far.test", "A", RD, number=i) for i in range(60)]
            self.assertLess(len(answered(server, packets)), 15)
            self.assertEqual(len(server.tcp(*packets)), 60)

    def test_a_slipped_answer_tells_to_come_over_tcp_or_with_a_cookie(self):
        limit = LIMIT.replace("slip 0", "slip 1")
        with Forwarder() as far, recursive(far, limit, arguments=("-n", "1")) as server:
            query(server, "www.far.test")
            plain = [question("www.far.test", "A", RD, Edns(), number=i) for i in range(30)]
            got = answered(server, plain)
            self.assertEqual(len(got), 30)
            self.assertGreater(len([each for each in got if each.flags & TC and not each.sections[0]]), 15)
            learning = [question("www.far.test", "A", RD, Edns(options=[(COOKIE, CLIENT_COOKIE)]), number=i) for i in range(30)]
            got = answered(server, learning)
            bad = [each for each in got if each.rcode == 23]
            self.assertGreater(len(bad), 15)
            self.assertEqual(len(bad[0].option(COOKIE)), 24)

    def test_nocookie_udp_size_holds_for_answers_of_others(self):
        with Forwarder() as far, recursive(far, "nocookie-udp-size 512; require-server-cookie yes;") as server:
            first = query(server, "big.far.test", options=[(COOKIE, CLIENT_COOKIE)])
            self.assertEqual(first.rcode, 23)
            cookie = first.option(COOKIE)
            self.assertEqual(len(query(server, "big.far.test", options=[(COOKIE, cookie)]).sections[0]), 40)
            self.assertTrue(query(server, "big.far.test").flags & TC)


class OwnZones(unittest.TestCase):
    def test_an_alias_into_a_zone_of_ours_shows_what_a_reload_has_brought(self):
        with Forwarder() as far, recursive(far) as server:
            alias = "alias-to-mail-ex-test.far.test"
            for _ in range(2):
                self.assertIn(b"\xc0\0\2\x02", server.udp(alias))
                self.assertIn(b"\xc0\0\2\x4d", server.udp("out.ex.test"))
            server.write("ex.test", OWN.replace("mail A 192.0.2.2", "mail A 192.0.2.99").replace(" 1 3600", " 2 3600")
                         .replace("out CNAME www.far.test.", "out CNAME mail"))
            server.reload()
            self.assertIn(b"\xc0\0\2\x63", server.udp(alias))
            self.assertNotIn(b"\xc0\0\2\x02", server.udp(alias))
            self.assertIn(b"\xc0\0\2\x63", server.udp("out.ex.test"))

    def test_an_update_is_seen_through_aliases_as_soon_as_it_is_answered(self):
        try:
            dns_peers.fetch()
        except RuntimeError as error:
            self.skipTest(str(error))
        with Forwarder() as far:
            extra = f"recursion yes; forward only; forwarders port {far.port} {{ 127.0.0.1; }};"
            with Dynamic(ZONE, extra=extra) as server:
                alias = "alias-to-mail-ex-test.far.test"
                for last in range(50, 70):
                    self.assertEqual(server.nsupdate("del mail.ex.test. A", f"add mail.ex.test. 3600 A 192.0.2.{last}"),
                                     "NOERROR")
                    for _ in range(3):
                        answer = server.udp(alias)
                        self.assertIn(bytes([192, 0, 2, last]), answer)
                        self.assertEqual(answer[7], 2)


class SignedQuestions(unittest.TestCase):
    def test_a_signed_question_gets_cookie_and_NSID(self):
        try:
            dns_peers.fetch()
        except RuntimeError as error:
            self.skipTest(str(error))
        with Dynamic(ZONE, extra='server-id "desk7";') as server:
            key = ["-y", f"hmac-sha256:upd:{SECRET}"]
            text = dig(server.port, "www.ex.test", "A", "+nsid", "+cookie=0102030405060708", *key)
            self.assertIn("NOERROR", text)
            self.assertIn('("desk7")', text)
            self.assertRegex(text, r"COOKIE: 0102030405060708[0-9a-f]{32} \(good\)")
            self.assertNotIn("Couldn't verify signature", text)
            self.assertRegex(text, r"(?m)^upd\.\s.*TSIG\s.*NOERROR")
            cookie = query(server, "www.ex.test", options=[(COOKIE, CLIENT_COOKIE)]).option(COOKIE)
            again = dig(server.port, "www.ex.test", "A", f"+cookie={cookie.hex()}", *key)
            self.assertIn(cookie[:12].hex(), again.replace(" ", ""), "one secret for all processes")


if __name__ == "__main__":
    unittest.main()
