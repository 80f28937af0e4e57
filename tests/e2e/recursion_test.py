"""Questions that no zone of named-lite answers: who may ask them, what comes back, and what happens without answers."""

import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

from names_test import PROGRAM, ZONE, NameServer, answers, question, rcode
from umaya_instance import wait_for

OWN = ZONE + "out CNAME www.far.test.\nbelow NS ns.below\nns.below A 127.0.0.99\n"


class Forwarder:
    """Answers every A question with 192.0.2.77; names that begin with slow after a while, with never not at all.

    alias-to-www-ex-test.… is an alias of www.ex.test, nothing… does not exist in the zone far.test, big has 40 addresses;
    refuse, fail, old (no EDNS), cut (TC) and lie (another id first) are what they say."""

    def __init__(self, delay=1.0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.delay = delay
        self.asked = []
        self.silent = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                packet, client = self.socket.recvfrom(4096)
            except OSError:
                return
            if not packet:
                return
            end = 12
            while packet[end]:
                end += 1 + packet[end]
            name = packet[13:end].lower()
            self.asked.append(name)
            if self.silent or name.startswith(b"never"):
                continue
            kind = struct.unpack(">H", packet[end + 1:end + 3])[0]
            record = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\x4d" if kind == 1 else b""
            if name.startswith(b"alias-to-"):
                labels = packet[13 + len(b"alias-to-"):13 + packet[12]].split(b"-")
                target = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
                record = b"\xc0\x0c\0\5\0\1\0\0\1\x2c" + struct.pack(">H", len(target)) + target
            count, code, soas = (1 if record else 0), 0, 0
            if name.startswith(b"big"):
                record, count = b"".join(record[:-1] + bytes([i]) for i in range(40)), 40
            if name.startswith(b"nothing"):
                count, code, soas = 0, 3, 1
                record = b"\xc0" + bytes([13 + packet[12]]) + b"\0\6\0\1\0\0\1\x2c\0\x16\0\0" + b"\0\0\1\x2c" * 5
            answer = (packet[:2] + b"\x81" + bytes([0x80 | code]) + b"\0\1" + struct.pack(">HH", count, soas) + b"\0\0" +
                      packet[12:end + 5] + record)
            if name.startswith((b"refuse", b"fail", b"old")):
                code = 5 if name.startswith(b"refuse") else 2 if name.startswith(b"fail") else 1
                if code != 1 or len(packet) > end + 5:
                    answer = packet[:2] + b"\x81" + bytes([0x80 | code]) + b"\0\1\0\0\0\0\0\0" + packet[12:end + 5]
            if name.startswith(b"cut"):
                answer = packet[:2] + b"\x83\x80\0\1\0\0\0\0\0\0" + packet[12:end + 5]
            if name.startswith(b"lie"):
                self.socket.sendto(bytes([answer[0] ^ 1]) + answer[1:], client)
            wait = self.delay if name.startswith(b"slow") else 0
            threading.Timer(wait, lambda a=answer, c=client: self.socket.sendto(a, c)).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()


def recursive(forwarder, extra="", **more):
    return NameServer({"ex.test": OWN},
                      extra=f"recursion yes; forward only; forwarders port {forwarder.port} {{ 127.0.0.1; }}; {extra}", **more)


def from_address(server, address, packet):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.bind((address, 0))
        s.sendto(packet, ("127.0.0.1", server.port))
        return s.recv(4096)


def available(answer):
    return bool(answer[3] & 0x80)


ROOT = ("$TTL 3600\n. SOA ns.root. hostmaster.root. 1 3600 900 604800 60\n. NS ns.root.\nns.root. A 127.0.0.77\n"
        "host.corp. A 10.1.2.3\n*. MX 10 gateway.corp.\ngateway.corp. A 10.1.2.4\n")


class OwnRoot(NameServer):
    """A root of its own on port 53 of 127.0.0.77, where its hints say that it is."""

    def configure(self, zones):
        self.write("root", ROOT)
        self.write("named.conf", f'options {{ directory "{self.directory.name}"; listen-on port 53 {{ 127.0.0.77; }}; '
                                 'listen-on-v6 { none; }; recursion no; };\nzone "." { type primary; file "root"; };\n')


@unittest.skipUnless(os.geteuid() == 0, "port 53 needs root")
class RootOfOurOwn(unittest.TestCase):
    def test_K7_C_hints_name_the_root_of_a_closed_network(self):
        hints = "zone \".\" { type hint; file \"hints\"; };\n"
        with OwnRoot({}), NameServer({"ex.test": OWN}, extra="recursion yes;", before=hints) as server:
            self.assertIn("the hints cannot be read", server.logged())
            server.write("hints", "ns.root. 3600000 A 127.0.0.77\n")
            server.reload()
            self.assertIn("no name server of the root stands here", server.logged())
            server.write("hints", ". 3600000 NS ns.root.\nns.root. 3600000 A 127.0.0.77\n")
            server.reload()
            wait_for(lambda: rcode(server.udp("host.corp")) == 0, 10, "the root of our own is asked")
            answer = server.udp("host.corp")
            self.assertIn(b"\x0a\1\2\3", answer)
            outer = server.udp("anywhere.outside", "MX")
            self.assertEqual((rcode(outer), answers(outer)), (0, 1), "every name outside has the gateway as its MX")
            self.assertIn(b"gateway", outer)
            self.assertEqual(rcode(server.udp("nobody.corp")), 3)


class Recursion(unittest.TestCase):
    def test_a_name_outside_is_asked_for_once_and_then_known(self):
        with Forwarder() as far, recursive(far) as server:
            first = server.udp("www.far.test")
            self.assertEqual((rcode(first), answers(first), available(first)), (0, 1, True))
            self.assertIn(b"\xc0\0\2\x4d", first)
            asked = len(far.asked)
            far.silent = True
            for _ in range(20):
                again = server.udp("WWW.far.test")
                self.assertEqual((rcode(again), answers(again)), (0, 1))
            self.assertEqual(server.tcp(question("www.far.test", "A"))[0][2:12], again[2:12])
            self.assertEqual(len(far.asked), asked)

    def test_an_alias_of_ours_is_followed_outside(self):
        with Forwarder() as far, recursive(far) as server:
            answer = server.udp("out.ex.test")
            self.assertEqual((rcode(answer), answers(answer)), (0, 2))
            own = server.udp("mail.ex.test")
            self.assertTrue(own[2] & 4, "authoritative")
            self.assertTrue(available(own))

    def test_what_we_delegate_is_asked_for(self):
        with Forwarder() as far, recursive(far) as server:
            answer = server.udp("www.below.ex.test")
            self.assertEqual((rcode(answer), answers(answer)), (0, 1))
            plain = server.udp_packet(question("www.below.ex.test", "A", flags=0))
            self.assertEqual((rcode(plain), answers(plain)), (0, 0))

    def test_an_alias_of_somebody_else_opens_no_zone_of_ours(self):
        closed = "zone \"closed.test\" { type primary; file \"ex.test\"; allow-query { 127.0.0.2; }; };\n"
        with Forwarder() as far, recursive(far, before=closed) as server:
            inside = from_address(server, "127.0.0.2", question("mail.closed.test", "A"))
            self.assertEqual((rcode(inside), answers(inside)), (0, 1))
            self.assertEqual(rcode(server.udp("mail.closed.test")), 5)
            led_there = server.udp("alias-to-mail-closed-test.far.test")
            self.assertNotIn(b"\xc0\0\2\x02", led_there[12:], "the address of the closed zone")
            self.assertLessEqual(answers(led_there), 1)
            open_one = server.udp("alias-to-mail-ex-test.far.test")
            self.assertEqual((rcode(open_one), answers(open_one)), (0, 2))

    def test_ndc_empties_the_caches_and_writes_them_down(self):
        controls = "controls { unix \"%s\" perm 0600; };\n"
        with Forwarder() as far, tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "ndc")
            with recursive(far, before=controls % path) as server:
                def ndc(*words):
                    done = subprocess.run([PROGRAM, "ndc", "-c", server.path("named.conf"), *words], text=True,
                                          capture_output=True, timeout=30)
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

                def asks_anew(name):
                    before = len(far.asked)
                    self.assertEqual(answers(server.udp(name)), 1)
                    return len(far.asked) > before

                self.assertTrue(asks_anew("a.far.test"))
                self.assertTrue(asks_anew("b.other.test"))
                ndc("dumpdb", "-cache")
                with open(server.path("named_dump.db")) as f:
                    self.assertIn("a.far.test", f.read())
                ndc("flushname", "a.far.test")
                self.assertTrue(asks_anew("a.far.test"))
                self.assertFalse(asks_anew("b.other.test"))
                ndc("flushtree", "test")
                self.assertTrue(asks_anew("b.other.test"))
                ndc("flush")
                self.assertTrue(asks_anew("b.other.test"))
                self.assertFalse(asks_anew("b.other.test"))

    def test_who_may_not_recurse_learns_nothing_of_the_cache_D48(self):
        with Forwarder() as far, recursive(far, "allow-recursion { 127.0.0.1; };") as server:
            self.assertEqual(answers(server.udp("www.far.test")), 1)
            refused = from_address(server, "127.0.0.2", question("www.far.test", "A"))
            self.assertEqual((rcode(refused), answers(refused), available(refused)), (5, 0, False))
            alias = from_address(server, "127.0.0.2", question("out.ex.test", "A"))
            self.assertEqual((rcode(alias), answers(alias)), (0, 1))
            self.assertEqual(answers(from_address(server, "127.0.0.2", question("mail.ex.test", "A"))), 1)
            without_rd = bytearray(question("www.far.test", "A"))
            without_rd[2] &= 0xFE
            self.assertEqual(rcode(server.udp_packet(bytes(without_rd))), 5)

    def test_answers_over_tcp_come_when_they_are_there(self):
        with Forwarder() as far, recursive(far) as server:
            got = server.tcp(question("slow.far.test", "A", 1), question("mail.ex.test", "A", 2),
                             question("www.far.test", "A", 3))
            ids = [struct.unpack(">H", each[:2])[0] for each in got]
            self.assertEqual(sorted(ids), [1, 2, 3])
            self.assertEqual(ids[-1], 1)
            self.assertTrue(all(rcode(each) == 0 and answers(each) == 1 for each in got))

    def test_a_question_before_the_end_of_the_connection_is_answered(self):
        with Forwarder() as far, recursive(far) as server:
            with socket.create_connection(("127.0.0.1", server.port), 5) as s:
                packet = question("slow.far.test", "A")
                s.sendall(struct.pack(">H", len(packet)) + packet)
                s.shutdown(socket.SHUT_WR)
                data = b""
                while piece := s.recv(4096):
                    data += piece
            self.assertEqual(answers(data[2:]), 1)

    def test_more_than_recursive_clients_get_servfail_and_own_zones_are_answered(self):
        with Forwarder() as far, recursive(far, "recursive-clients 5;", arguments=("-n", "1")) as server:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(3)
                for number in range(50):
                    s.sendto(question(f"never{number}.far.test", "A", number), ("127.0.0.1", server.port))
                got = [s.recv(4096) for _ in range(45)]
            self.assertEqual({rcode(each) for each in got}, {2})
            self.assertEqual(answers(server.udp("mail.ex.test", timeout=2)), 1)

    def test_a_recursion_process_that_dies_is_started_again(self):
        with Forwarder() as far, recursive(far) as server:
            self.assertEqual(answers(server.udp("www.far.test")), 1)
            before = server.role("recursion")
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: server.role("recursion") not in (None, before), 10, "it is started again")
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)
            wait_for(lambda: answers(server.udp("www.far.test")) == 1, 10, "it answers again")

    def test_it_has_no_files_and_does_not_run_without_need(self):
        with Forwarder() as far, recursive(far) as server:
            pid = server.role("recursion")
            links = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            kinds = ("socket:", "anon_inode:", "/memfd:", "/dev/null", server.path("log"), "pipe:")
            self.assertEqual([each for each in links if not each.startswith(kinds)], [])
        with NameServer({"ex.test": OWN}) as server:
            self.assertIsNone(server.role("recursion"))
            self.assertFalse(available(server.udp("mail.ex.test")))

    def test_a_reload_keeps_what_is_known_unless_the_configuration_changes(self):
        with Forwarder() as far, recursive(far) as server:
            self.assertEqual(answers(server.udp("www.far.test")), 1)
            asked = len(far.asked)
            server.reload()
            self.assertEqual(answers(server.udp("www.far.test")), 1)
            self.assertEqual(len(far.asked), asked)
            server.extra += " max-cache-ttl 600;"
            server.configure(["ex.test"])
            server.reload()
            wait_for(lambda: answers(server.udp("www.far.test")) == 1, 10, "the new resolver answers")
            self.assertGreater(len(far.asked), asked)


if __name__ == "__main__":
    unittest.main()
