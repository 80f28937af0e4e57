"""Clients of named-lite that hold its connections, never read, or make it answer somebody else (attacks.md D14 to D16)."""

import os
import socket
import struct
import time
import unittest

from names_test import ZONE, NameServer, answers, question, rcode
from umaya_instance import PATIENCE, SANITIZED, wait_for

BIG = ZONE + "big TXT " + " ".join(f'"{"x" * 250}"' for _ in range(100)) + "\n"
STALLED = 10  # seconds that a client may let its answers wait


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(f.read().split("VmRSS:")[1].split()[0])


def states(port):
    """How many TCP sockets of our side of this port are in which state."""
    counts = {}
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if int(fields[1].split(":")[1], 16) == port:
                counts[fields[3]] = counts.get(fields[3], 0) + 1
    return counts


CLOSE_WAIT, ESTABLISHED = "08", "01"


class Transport(unittest.TestCase):
    def test_d14_a_client_that_never_reads_costs_little_and_is_closed_after_ten_seconds(self):
        asked = question("big.ex.test", "TXT")
        burst = (struct.pack(">H", len(asked)) + asked) * 20000  # 500 MB of answers
        with NameServer({"ex.test": BIG}, arguments=("-n", "1")) as server:
            process = server.role("query0")
            server.udp("mail.ex.test")
            before = resident(process)
            clients = []
            for _ in range(10):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", server.port))
                client.setblocking(False)
                try:
                    client.send(burst)
                except BlockingIOError:
                    pass
                clients.append(client)
            began = time.monotonic()
            time.sleep(STALLED / 2)
            self.assertEqual(states(server.port).get(ESTABLISHED), 10)
            self.assertLess(resident(process) - before, 10 * 1024 * (30 if SANITIZED else 1))
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)
            self.assertEqual(answers(server.tcp(question("mail.ex.test", "A"))[0]), 1)
            wait_for(lambda: states(server.port).get(ESTABLISHED, 0) == 0, 2 * STALLED)
            self.assertGreater(time.monotonic() - began, STALLED - 2)
            for client in clients:
                client.close()
            self.assertEqual(server.role("query0"), process)

    def test_d15_ten_thousand_idle_connections_keep_nobody_out_and_none_is_left_behind(self):
        with NameServer({"ex.test": ZONE}, extra="tcp-clients 100;", arguments=("-n", "1")) as server:
            process = server.role("query0")
            before = resident(process)
            idle = []
            for number in range(10000):
                client = socket.socket()
                client.bind((f"127.0.{number % 200 + 1}.1", 0))
                client.connect(("127.0.0.1", server.port))
                idle.append(client)
                if len(idle) >= 400:  # most of them have been closed by the server
                    idle.pop(0).close()
            wait_for(lambda: states(server.port).get(ESTABLISHED, 0) <= 100, 20)
            self.assertEqual(answers(server.tcp(question("mail.ex.test", "A"))[0]), 1)
            self.assertLess(resident(process) - before, 10 * 1024 * (30 if SANITIZED else 1))
            for client in idle:
                client.close()
            wait_for(lambda: states(server.port).get(CLOSE_WAIT, 0) == 0, 20, "CLOSE_WAIT is empty")
            wait_for(lambda: states(server.port).get(ESTABLISHED, 0) == 0, 20)
            self.assertEqual(len([fd for fd in os.listdir(f"/proc/{process}/fd")
                                  if "socket" in os.readlink(f"/proc/{process}/fd/{fd}")]), self.sockets(process))

    def sockets(self, process):
        """Those that a process without clients has: a new one of the same kind is the measure."""
        with NameServer({"ex.test": ZONE}, extra="tcp-clients 100;", arguments=("-n", "1")) as other:
            pid = other.role("query0")
            return len([fd for fd in os.listdir(f"/proc/{pid}/fd") if "socket" in os.readlink(f"/proc/{pid}/fd/{fd}")])

    def test_d15_one_client_has_half_of_the_connections_at_most(self):
        with NameServer({"ex.test": ZONE}, extra="tcp-clients 20;", arguments=("-n", "1")) as server:
            other = socket.create_connection(("127.0.0.1", server.port), source_address=("127.0.0.9", 0))
            greedy = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(50)]
            asked = question("mail.ex.test", "A")
            wait_for(lambda: states(server.port).get(ESTABLISHED, 0) <= 11, 10)
            other.sendall(struct.pack(">H", len(asked)) + asked)
            other.settimeout(5 * PATIENCE)
            self.assertGreater(len(other.recv(512)), 12)
            for client in [other, *greedy]:
                client.close()

    @unittest.skipUnless(os.geteuid() == 0, "needs root: sends from any port")
    def test_d16_nobody_is_answered_whose_answer_would_come_back(self):
        with NameServer({"ex.test": ZONE}) as server, NameServer({"ex.test": ZONE}) as other:
            asked = question("mail.ex.test", "A")

            def send_from(port, address="127.0.0.1"):
                """One UDP packet with headers of our own: a port of 0 cannot be bound."""
                udp = struct.pack(">HHHH", port, server.port, 8 + len(asked), 0) + asked
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, socket.inet_aton(address),
                                 socket.inet_aton("127.0.0.1"))
                with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
                    raw.sendto(ip + udp, ("127.0.0.1", 0))

            with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP) as seen:
                seen.settimeout(0.1)
                for port in (53000, server.port, other.port):  # one answer, which nobody answers in turn
                    send_from(port)
                    self.assertEqual(self.seen(seen, (server.port, port)), 1, port)
                for port in (0, 7, 13, 17, 19, 37):
                    send_from(port)
                    self.assertEqual(self.seen(seen, (server.port, port)), 0, port)
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)

    def seen(self, raw, way):
        """How many responses go from one port to another, or back, in a while."""
        count, end = 0, time.monotonic() + 0.5 * PATIENCE
        while count < 100 and time.monotonic() < end:
            try:
                packet = raw.recv(4096)[20:]
            except TimeoutError:
                continue
            ports = struct.unpack(">HH", packet[:4])
            count += ports in (way, way[::-1]) and bool(packet[10] & 0x80)
        return count


if __name__ == "__main__":
    unittest.main()
