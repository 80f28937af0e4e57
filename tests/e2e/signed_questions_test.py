"""Questions that are signed with TSIG and that only other name servers can answer: whose key lets them recurse."""

import socket
import struct
import subprocess
import unittest

import dns_peers
from dns_peers import dig
from dns_wire import AA, RA, RD, TC, Edns, Message, Tsig, is_signed_by, mac_of, question
from names_test import ZONE, NameServer
from recursion_test import Forwarder

SECRET = "c2VjcmV0IG9mIGJvdGggc2lkZXM="
KEY = f'key "friend" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\nkey "other" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
OWN = ZONE + "out CNAME www.far.test.\n"


def forwarding(far, extra):
    return NameServer({"ex.test": OWN}, before=KEY,
                      extra=f"recursion yes; forward only; forwarders port {far.port} {{ 127.0.0.1; }}; {extra}")


class TwoViews(NameServer):
    """Who has the key is in a view that forwards, all others in one that has a zone."""

    def __init__(self, far):
        self.far = far
        super().__init__({"ex.test": OWN})

    def configure(self, zones):
        forward = f"forward only; forwarders port {self.far.port} {{ 127.0.0.1; }};" if self.far else ""
        self.write("named.conf", f'''{KEY}
options {{ directory "{self.directory.name}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; }};
view "inside" {{ match-clients {{ key friend; }}; allow-recursion {{ any; }};
  {forward} }};
view "outside" {{ recursion no; zone "ex.test" {{ type primary; file "ex.test"; }}; }};
''')


class SignedQuestions(unittest.TestCase):
    def ask(self, server, name, kind="A", key="friend", tcp=False, edns=None):
        """The answer to a signed question, and whether it is signed as it must be."""
        signer = Tsig(key, SECRET)
        packet = signer.sign(question(name, kind, flags=RD, edns=edns))
        answer = server.tcp(packet)[0] if tcp else server.udp_packet(packet)
        return Message(answer), is_signed_by(answer, key, SECRET, signer.mac)

    def test_a_key_in_allow_recursion_lets_its_holder_recurse(self):
        with Forwarder() as far, forwarding(far, "allow-recursion { key friend; }; allow-query { any; };") as server:
            for tcp in (False, True):
                answer, signed = self.ask(server, "www.far.test", tcp=tcp)
                self.assertTrue(signed)
                self.assertEqual((answer.rcode, answer.flags & (RA | AA)), (0, RA))
                self.assertEqual([record[4] for record in answer.sections[0]], [(b"\xc0\0\2\x4d",)])
            self.assertEqual(far.asked.count(b"www\3far\4test"), 1, "the second answer was known")
            out, signed = self.ask(server, "out.ex.test")
            self.assertTrue(signed)
            self.assertEqual(len(out.sections[0]), 2, "an alias of ours that leads elsewhere")
            asked = len(far.asked)
            self.assertEqual(Message(server.udp("new.far.test")).rcode, 5, "without the key")
            answer, signed = self.ask(server, "new.far.test", key="other")
            self.assertEqual((answer.rcode, answer.flags & RA, signed), (5, 0, True), "with another key")
            self.assertEqual(len(far.asked), asked, "nobody is asked for them")

    def test_what_does_not_fit_beside_the_signature_is_cut(self):
        with Forwarder() as far, forwarding(far, "allow-recursion { key friend; }; allow-query { any; };") as server:
            for edns, limit in ((None, 512), (Edns(size=700), 700)):
                signer = Tsig("friend", SECRET)
                raw = server.udp_packet(signer.sign(question("big.far.test", "A", flags=RD, edns=edns)))
                self.assertLessEqual(len(raw), limit)
                self.assertTrue(Message(raw).flags & TC)
                self.assertTrue(is_signed_by(raw, "friend", SECRET, signer.mac))
            answer, signed = self.ask(server, "big.far.test", tcp=True)
            self.assertEqual((len(answer.sections[0]), signed), (40, True))
            answer, signed = self.ask(server, "fail.far.test")
            self.assertEqual((answer.rcode, signed), (2, True), "a failure is signed, too")

    def test_a_key_chooses_the_view_that_recurses(self):
        with Forwarder() as far, TwoViews(far) as server:
            answer, signed = self.ask(server, "www.far.test")
            self.assertEqual((answer.rcode, len(answer.sections[0]), signed), (0, 1, True))
            self.assertEqual(Message(server.udp("www.far.test")).rcode, 5)
            self.assertEqual(Message(server.udp("mail.ex.test")).rcode, 0)
            self.ask(server, "mail.ex.test")
            self.assertEqual(len(far.asked), 2, "the view of the key does not know the zone: others are asked")

    def test_a_connection_on_which_a_signed_question_came_goes_on_recursing(self):
        with Forwarder(delay=0.3) as far, forwarding(far, "allow-recursion { 127.0.0.1; key friend; };") as server:
            with socket.create_connection(("127.0.0.1", server.port), 5) as s:
                signer = Tsig("friend", SECRET)
                packets = [signer.sign(question("slow.far.test", "A", flags=RD)), question("www.far.test", "A", flags=RD),
                           question("mail.ex.test", "A", flags=RD)]
                s.sendall(b"".join(struct.pack(">H", len(p)) + p for p in packets))
                raw = [self.message(s) for _ in packets]
            self.assertTrue(is_signed_by(raw[0], "friend", SECRET, signer.mac))
            self.assertIsNone(mac_of(raw[1]))
            for each in raw:
                message = Message(each)
                self.assertEqual((message.rcode, bool(message.flags & RA), len(message.sections[0])), (0, True, 1))

    def test_the_key_of_a_server_clause_signs_what_is_forwarded(self):
        with TwoViews(None) as upstream:  # who has no key sees ex.test alone
            upstream.write("far.test", ZONE)
            with open(upstream.path("named.conf")) as f:
                text = f.read()
            upstream.write("named.conf", text.replace('view "inside" {', 'view "inside" { recursion no; zone "far.test" { type primary; '
                                                      'file "far.test"; }; ').replace(" allow-recursion { any; };", ""))
            upstream.reload()
            clause = "server 127.0.0.1 { keys friend; };\n"
            for before, signs in ((KEY, False), (KEY + clause, True)):
                with NameServer({}, before=before, extra=f"recursion yes; forward only; forwarders port {upstream.port} {{ 127.0.0.1; }};"
                                ) as server:
                    answer = Message(server.udp("mail.far.test"))
                    self.assertEqual((answer.rcode, len(answer.sections[0])), (0, 1) if signs else (2, 0), server.logged())
                    if not signs:
                        continue
                    # A key that is changed later, in the secret alone, acts at once.
                    with open(server.path("named.conf")) as f:
                        text = f.read()
                    server.write("named.conf", text.replace(SECRET, "YW5vdGhlcg=="))
                    server.reload()
                    self.assertEqual(Message(server.udp("ns.far.test", timeout=20)).rcode, 2)

    def message(self, s):
        size = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
        return s.recv(size, socket.MSG_WAITALL)

    def test_dig_believes_the_answers(self):
        try:
            dns_peers.fetch()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            self.skipTest(f"the peers cannot be fetched: {error}")
        with Forwarder() as far, forwarding(far, "allow-recursion { key friend; };") as server:
            for more in ((), ("+tcp",), ("+dnssec",), ("+nocookie", "+noedns")):
                text = dig(server.port, "-y", f"hmac-sha256:friend:{SECRET}", "www.far.test", "A", *more)
                self.assertIn("status: NOERROR", text)
                self.assertIn("192.0.2.77", text)
                self.assertIn("TSIG", text)
                self.assertNotIn("verify", text)


if __name__ == "__main__":
    unittest.main()
