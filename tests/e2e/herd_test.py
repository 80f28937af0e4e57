"""Many things at once: mail that becomes due after an outage, and deliveries that need more processes than there may be."""

import collections
import os
import resource
import socket
import tempfile
import threading
import time
import unittest

from next_hop_test import free_port_on
from smtp_peer import SmtpPeer
from umaya_instance import PATIENCE, Instance, free_port, wait_for

PROCESSES = 30  # deliveries of a transport at a time
MESSAGES, DOMAINS = 400, 100
BIG = 150  # of them for one destination


class SlowNames:
    """A name server on the loopback: SERVFAIL while down, then 127.0.0.2 for every name, a while after the question."""

    DELAY = 0.05

    def __init__(self, directory):
        self.down = True
        self.most = self.waiting = self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.port = free_port()
        self.socket.bind(("127.0.0.1", self.port))
        with open(f"{directory}/resolv.conf", "w") as f:
            f.write(f"nameserver [127.0.0.1]:{self.port}\noptions timeout:10 attempts:2\n")
        os.chmod(directory, 0o755)
        self.pending = collections.deque()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            self.socket.settimeout(max(0.001, self.pending[0][0] - time.monotonic()) if self.pending else None)
            try:
                packet, client = self.socket.recvfrom(2000)
                if not packet:
                    return
                self.asked += 1
                self.pending.append((time.monotonic() + (0 if self.down else self.DELAY), packet, client))
                self.most = max(self.most, len(self.pending))
            except TimeoutError:
                pass
            while self.pending and self.pending[0][0] <= time.monotonic():
                _, packet, client = self.pending.popleft()
                self.socket.sendto(self.answer(packet), client)

    def answer(self, packet):
        end = packet.index(b"\0", 12) + 5
        question, kind = packet[12:end], packet[end - 4:end - 2]
        record = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" + bytes([127, 0, 0, 2]) if kind == b"\0\1" and not self.down else b""
        return (packet[:2] + (b"\x81\x82" if self.down else b"\x85\x80") + b"\0\1\0" + bytes([bool(record)]) + b"\0\0\0\0" +
                question + record)

    def close(self):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


class CountingPeer(SmtpPeer):
    """Counts the transactions under way, in all and for one domain."""

    def __init__(self, **options):
        self.mine = threading.local()
        self.under_way = collections.Counter()
        self.most = collections.Counter()
        super().__init__(**options)
        self.reply_to_rcpt, self.reply_to_data = self._rcpt, self._data

    def _rcpt(self, address):
        self.mine.domains = ("all", address.split("@")[1])
        with self.lock:
            for domain in self.mine.domains:
                self.under_way[domain] += 1
                self.most[domain] = max(self.most[domain], self.under_way[domain])
        return "250 2.1.5 Ok"

    def _data(self):
        time.sleep(0.01)
        with self.lock:
            for domain in self.mine.domains:
                self.under_way[domain] -= 1
        return "250 2.0.0 Ok"


class Outage(unittest.TestCase):
    def test_Q17_after_an_outage_mail_goes_out_at_a_bounded_rate_and_new_mail_is_not_held_up(self):
        port = free_port_on(["127.0.0.2"])
        with tempfile.TemporaryDirectory(prefix="umaya-names-") as directory, CountingPeer(host="127.0.0.2", port=port) as peer:
            names = SlowNames(directory)
            with Instance(users=["bob"], main_cf={
                    "resolv_conf_file": f"{directory}/resolv.conf", "smtp_tcp_port": port, "inet_protocols": "ipv4",
                    "default_process_limit": PROCESSES, "minimal_backoff_time": "1000s", "smtpd_client_connection_count_limit": 0,
                    "disable_dns_lookups": "no"}) as mail:
                self.outage(mail)
                names.down, names.most = False, 0
                mail.umaya("flush", check=True)
                wait_for(lambda: len(peer.recipients()) > 20, 20, "the herd runs")
                start = time.monotonic()
                mail.send("alice@example.test", "bob@example.test", "Subject: new\n\nx\n")
                mail.wait_mail("bob")
                self.assertLess(time.monotonic() - start, 5 * PATIENCE)
                mail.wait_empty(60)
                self.assertEqual(len(peer.recipients()), MESSAGES)
                self.assertEqual(len(set(peer.recipients())), MESSAGES)
                self.assertLessEqual(names.most, PROCESSES)
                self.assertGreater(names.most, 1)
                self.assertLessEqual(peer.most["all"], PROCESSES)
                self.assertLessEqual(peer.most["big.herd.test"], 20)  # default_destination_concurrency_limit
                self.assertLess(names.asked, 10 * (DOMAINS + MESSAGES))
            names.close()

    def outage(self, mail):
        """All of it is tried once, in vain."""
        with mail.smtp() as client:
            for i in range(MESSAGES):
                domain = "big" if i < BIG else f"d{i % DOMAINS}"
                client.sendmail("alice@example.test", [f"r{i}@{domain}.herd.test"], f"Subject: {i}\n\nx\n")
        wait_for(lambda: len(mail.queued("deferred").get("deferred", [])) == MESSAGES, 30, "all is deferred")
        self.assertEqual(set(mail.queued()), {"deferred"})


@unittest.skipUnless(os.geteuid() == 0, "needs root (deliveries become another user)")
class TooManyProcesses(unittest.TestCase):
    LIMIT, MESSAGES = 5, 20
    SCRIPT = """#!/usr/bin/python3 -S
import os, sys, time
text = sys.stdin.buffer.read()
time.sleep(0.2)
with open(f"{home}/got/%d-%d" % (os.getpid(), time.time_ns()), "xb") as f:
    f.write(text)
"""

    def test_Q23_deliveries_beyond_the_limit_of_processes_wait_and_arrive_once(self):
        uid = 200_000 + os.getpid() % 100_000  # nobody else's processes count
        mail = Instance(users=["alice", "bob"], start=False, main_cf={
            "minimal_backoff_time": "1s", "maximal_backoff_time": "1s", "queue_run_delay": "1s",
            "local_destination_concurrency_limit": self.MESSAGES, "initial_destination_concurrency": self.MESSAGES})
        with mail:
            self.give(mail, "bob", uid)
            mail.umaya("start", check=True, preexec_fn=self.few_processes)
            wait_for(lambda: try_connect(mail.port), 20, "smtpd greets")
            with mail.smtp() as client:
                for i in range(self.MESSAGES):
                    client.sendmail("alice@example.test", ["bob@example.test"], f"Subject: n{i}\n\nx\n")
                client.sendmail("bob@example.test", ["alice@example.test"], "Subject: other\n\nx\n")
            mail.wait_mail("alice")
            mail.wait_empty(60)
            self.assertNotIn("status=bounced", mail.log(), [line for line in mail.log().splitlines() if "bounced" in line])
            subjects = collections.Counter()
            for name in os.listdir(mail.path("home", "bob", "got")):
                with open(mail.path("home", "bob", "got", name)) as f:
                    subjects.update(line for line in f.read().splitlines() if line.startswith("Subject: "))
            self.assertEqual(subjects, {f"Subject: n{i}": 1 for i in range(self.MESSAGES)})
            self.assertRegex(mail.log(), r"to=<bob@example\.test>.*status=deferred \(.*Resource temporarily unavailable")

    def give(self, mail, user, uid):
        """The user gets an id of his own, with a program that takes his mail."""
        home = mail.path("home", user)
        lines = mail.read("passwd").splitlines()
        mail.write("passwd", "".join(":".join([*line.split(":")[:2], str(uid), str(uid), *line.split(":")[4:]]) + "\n"
                                     if line.startswith(user + ":") else line + "\n" for line in lines))
        os.mkdir(f"{home}/got")
        with open(f"{home}/take", "w") as f:
            f.write(self.SCRIPT.replace("{home}", home))
        with open(f"{home}/.forward", "w") as f:
            f.write(f'"|{home}/take"\n')
        os.chmod(f"{home}/take", 0o700)
        for top, directories, files in os.walk(home):
            for name in ("", *directories, *files):
                os.chown(os.path.join(top, name), uid, uid)

    def few_processes(self):
        resource.setrlimit(resource.RLIMIT_NPROC, (self.LIMIT, self.LIMIT))


def try_connect(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


if __name__ == "__main__":
    unittest.main()
