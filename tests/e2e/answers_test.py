"""named-lite on the network: cookies, rate limits, zones that are there by themselves, and clients that behave badly."""

import os
import socket
import struct
import time
import unittest

from dns_wire import AA, RD, TC, Edns, Message, ask, question, read_tcp
from names_test import ZONE, NameServer
from umaya_instance import PATIENCE, free_port, wait_for

COOKIE = 10
BIG = ZONE + "".join(f'big TXT "{letter * 250}"\n' for letter in "abcdefgh")


def server(options="", zone=ZONE):
    return NameServer({"ex.test": zone}, options)


def query(running, *arguments, tcp=False, **more):
    answer = ask(running.port, question(*arguments, **more), tcp=tcp)
    return Message(answer) if answer else None


def connect(running):
    return socket.create_connection(("127.0.0.1", running.port), 5 * PATIENCE)


def framed(packet):
    return struct.pack(">H", len(packet)) + packet


def is_closed_within(s, seconds):
    """Whether the other side ends the connection, whatever it still sends."""
    s.settimeout(0.2)
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        try:
            if not s.recv(65536):
                return True
        except TimeoutError:
            pass
        except ConnectionError:
            return True
    return False


class Answers(unittest.TestCase):
    def test_a_cookie_of_one_process_is_good_for_the_others_and_after_a_reload(self):
        with server("require-server-cookie yes;") as names:
            first = query(names, "ex.test", "MX", edns=Edns(options=[(COOKIE, b"12345678")]))
            self.assertEqual(first.rcode, 23)
            cookie = first.option(COOKIE)
            self.assertEqual(len(cookie), 24)
            names.reload()
            for _ in range(20):  # each from another port, so that each process gets some
                self.assertEqual(query(names, "ex.test", "MX", edns=Edns(options=[(COOKIE, cookie)])).rcode, 0)
            self.assertEqual(query(names, "ex.test", "MX").rcode, 0)  # who knows no cookies

    def test_D18_a_flood_of_equal_questions_is_answered_at_the_rate_and_over_tcp(self):
        with server("rate-limit { responses-per-second 5; slip 2; };") as names:
            whole = cut = 0
            for _ in range(60):
                answer = ask(names.port, question("ex.test", "MX"), seconds=0.05)
                if answer:
                    cut += bool(Message(answer).flags & TC)
                    whole += not Message(answer).flags & TC
            self.assertLess(whole, 40)
            self.assertGreater(cut, 5)
            self.assertEqual(query(names, "ex.test", "MX", tcp=True).rcode, 0)

    def test_exempt_clients_are_not_limited_and_blackholed_ones_get_nothing(self):
        with server("rate-limit { responses-per-second 1; exempt-clients { 127.0.0.1; }; };") as names:
            for _ in range(30):
                self.assertFalse(query(names, "ex.test", "MX").flags & TC)
        with server("blackhole { 127.0.0.2; };") as names:
            self.assertEqual(query(names, "ex.test", "MX").rcode, 0)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(("127.0.0.2", 0))
                s.settimeout(0.5)
                s.sendto(question("ex.test", "MX"), ("127.0.0.1", names.port))
                self.assertRaises(TimeoutError, s.recv, 512)

    def test_D47_local_zones_are_there_by_themselves(self):
        with server("recursion no;") as names:
            answer = query(names, "localhost", "A")
            self.assertTrue(answer.flags & AA)
            self.assertEqual(answer.sections[0][0][4][-1], b"\x7f\0\0\1")
            self.assertEqual(query(names, "1.0.0.127.in-addr.arpa", "PTR").rcode, 0)
            self.assertEqual(query(names, "1.0.0.10.in-addr.arpa", "PTR").rcode, 5)
        with server("recursion yes; disable-empty-zone \"16.172.in-addr.arpa\";") as names:
            for name in ("1.0.0.10.in-addr.arpa", "1.1.168.192.in-addr.arpa", "x.home.arpa", "x.invalid"):
                answer = query(names, name, "PTR")
                self.assertEqual((name, answer.rcode, bool(answer.flags & AA)), (name, 3, True))

    def test_D47_what_the_server_tells_of_itself_is_chosen(self):
        with server('version none; hostname "h7"; server-id "ns7";') as names:
            self.assertEqual(query(names, "version.bind", "TXT", cls=3).rcode, 5)
            self.assertEqual(query(names, "hostname.bind", "TXT", cls=3).sections[0][0][4][-1], b"\2h7")
            self.assertEqual(query(names, "id.server", "TXT", cls=3).sections[0][0][4][-1], b"\3ns7")
            self.assertEqual(query(names, "ex.test", "MX", edns=Edns(options=[(3, b"")])).option(3), b"ns7")
        with server() as names:
            self.assertEqual(query(names, "version.bind", "TXT", cls=3).rcode, 0)

    def test_D48_strangers_who_ask_for_recursion_are_refused(self):
        with server("recursion no;") as names:
            for flags in (0, RD):
                answer = query(names, "www.elsewhere.example", "A", flags=flags)
                self.assertEqual((answer.rcode, answer.sections), (5, [[], [], []]))

    def test_D13_questions_come_in_any_pieces(self):
        with server() as names:
            packet = framed(question("ex.test", "MX"))
            for at in range(1, len(packet)):
                with connect(names) as s:
                    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    s.sendall(packet[:at])
                    time.sleep(0.002)
                    s.sendall(packet[at:])
                    self.assertEqual(Message(read_tcp(s)).rcode, 0)
            with connect(names) as s:
                s.sendall(b"".join(framed(question("ex.test", "MX", number=n)) for n in range(1000)))
                numbers = {Message(read_tcp(s)).number for _ in range(1000)}
                self.assertEqual(numbers, set(range(1000)))

    def test_D13_lengths_that_hold_no_question_end_the_connection(self):
        with server() as names:
            for start in (b"\0\0", b"\0\1x", framed(b"x" * 11)):
                with connect(names) as s:
                    s.sendall(start + framed(question("ex.test", "MX")))
                    self.assertTrue(is_closed_within(s, 5), start)
            with connect(names) as s:
                s.sendall(b"\xff\xff" + b"x" * 100)
            self.assertEqual(query(names, "ex.test", "MX", tcp=True).rcode, 0)

    def test_D14_a_client_that_never_reads_is_left(self):
        with server(zone=BIG) as names:
            with connect(names) as s:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                s.settimeout(1)
                packet = framed(question("big.ex.test", "TXT")) * 100
                try:
                    for _ in range(2000):
                        s.sendall(packet)
                except (TimeoutError, ConnectionError):
                    pass
                self.assertLess(memory_of(names), 200 << 20)
                self.assertEqual(query(names, "ex.test", "MX", tcp=True).rcode, 0)
                wait_for(lambda: not established(names, s.getsockname()[1]), 20, "the connection is ended")

    def test_D15_idle_connections_do_not_keep_others_out(self):
        with server("tcp-clients 100;") as names:
            idle = []
            try:
                for _ in range(600):
                    s = connect(names)
                    s.sendall(b"\0")
                    idle.append(s)
                self.assertEqual(query(names, "ex.test", "MX", tcp=True).rcode, 0)
            finally:
                for s in idle:
                    s.close()
            wait_for(lambda: not in_close_wait(names), 10, "no connection is left in CLOSE_WAIT")


def processes_of(names):
    """The process that was started and those that it forked."""
    with open(f"/proc/{names.process.pid}/task/{names.process.pid}/children") as f:
        children = f.read().split()
    return [names.process.pid, *map(int, children)]


def memory_of(names):
    """Octets that all processes keep for themselves."""
    total = 0
    for pid in processes_of(names):
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += sum(int(line.split()[1]) * 1024 for line in f if line.startswith("Private_Dirty:"))
    return total


def tcp_states(names):
    """(state, remote port) of the connections of the server's port."""
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    return [(row[3], int(row[2].split(":")[1], 16)) for row in rows if int(row[1].split(":")[1], 16) == names.port]


def established(names, port):
    return ("01", port) in tcp_states(names)


def in_close_wait(names):
    return any(state == "08" for state, _ in tcp_states(names))


if __name__ == "__main__":
    unittest.main()
