"""named-lite as an administrator runs it: a configuration of BIND, questions, reload, and mistakes explained."""

import os
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

from umaya_instance import BUILD, SANITIZED, free_port, wait_for

PROGRAM = os.path.join(BUILD, "libexec", "named-lite")
ZONE = "$TTL 60\n@ SOA ns root 1 3600 900 604800 60\n@ NS ns\n@ MX 10 mail\nns A 192.0.2.1\nmail A 192.0.2.2\n"
TYPES = {"A": 1, "SOA": 6, "MX": 15, "TXT": 16}


def question(name, kind, number=7, flags=0x100):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack(">HHHHHH", number, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", TYPES[kind], 1)


class NameServer:
    """named-lite in the foreground, in a directory of its own, on a free port of the loopback.

    extra: of its options; before: statements; arguments: for the command line."""

    def __init__(self, zones, extra="", before="", arguments=()):
        self.directory = tempfile.TemporaryDirectory(prefix="umaya-names-")
        os.chmod(self.directory.name, 0o755)
        self.port = free_port()
        self.extra, self.before, self.arguments = extra, before, arguments
        self.log = None
        for name, text in zones.items():
            self.write(name, text)
        self.configure(zones)
        self.start()

    def start(self):
        if self.log:
            self.log.close()
        self.log = open(self.path("log"), "w+")
        self.process = subprocess.Popen([PROGRAM, "-g", "-c", self.path("named.conf"), *self.arguments],
                                        stderr=self.log, stdout=self.log)
        wait_for(lambda: "running" in self.logged() or self.process.poll() is not None, 10, "named-lite runs")

    def configure(self, zones):
        text = (f'{self.before}options {{ directory "{self.directory.name}"; listen-on port {self.port} {{ 127.0.0.1; }}; '
                f"listen-on-v6 {{ none; }}; {'' if 'recursion' in self.extra else 'recursion no; '}{self.extra} }};\n")
        text += "".join(f'zone "{name}" {{ type master; file "{name}"; }};\n' for name in zones)
        self.write("named.conf", text)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def logged(self):
        with open(self.path("log")) as f:
            return f.read()

    def processes(self):
        """Process ids of the parent and all its children."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            return [self.process.pid] + [int(pid) for pid in f.read().split()]

    def role(self, name):
        """The process id of "zone", "query0" …; None while it does not run."""
        for pid in self.processes():
            try:
                with open(f"/proc/{pid}/comm") as f:
                    if f.read().strip() == f"named-{name}":
                        return pid
            except FileNotFoundError:
                pass
        return None

    def reload(self):
        before = self.logged().count("reload")
        self.process.send_signal(signal.SIGHUP)
        wait_for(lambda: self.logged().count("reload") >= before + 2, 10, "the reload ends")

    def udp_packet(self, packet, timeout=5):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout)
            s.sendto(packet, ("127.0.0.1", self.port))
            return s.recv(4096)

    def udp(self, name, kind="A", timeout=5):
        return self.udp_packet(question(name, kind), timeout)

    def tcp(self, *packets):
        answers, data = [], b""
        with socket.create_connection(("127.0.0.1", self.port), 5) as s:
            s.sendall(b"".join(struct.pack(">H", len(p)) + p for p in packets))
            while len(answers) < len(packets):
                piece = s.recv(65536)
                if not piece:
                    break
                data += piece
                while len(data) >= 2 and len(data) >= 2 + struct.unpack(">H", data[:2])[0]:
                    size = struct.unpack(">H", data[:2])[0]
                    answers.append(data[2:2 + size])
                    data = data[2 + size:]
        return answers

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(10)
        self.log.close()
        self.directory.cleanup()


def rcode(answer):
    return answer[3] & 15


def answers(answer):
    return struct.unpack(">H", answer[6:8])[0]


class Answering(unittest.TestCase):
    def test_questions_over_udp_and_tcp_get_the_same_answer(self):
        with NameServer({"ex.test": ZONE}) as server:
            udp = server.udp("ex.test", "MX")
            self.assertEqual((rcode(udp), answers(udp)), (0, 1))
            self.assertTrue(udp[2] & 4, "authoritative")
            self.assertEqual(server.tcp(question("ex.test", "MX")), [udp])
            self.assertEqual(rcode(server.udp("nope.ex.test")), 3)
            self.assertEqual(rcode(server.udp("elsewhere.test")), 5)

    def test_a_thousand_questions_on_one_connection_are_all_answered(self):
        with NameServer({"ex.test": ZONE}) as server:
            packets = [question("mail.ex.test", "A", number) for number in range(1000)]
            self.assertEqual([a[:2] for a in server.tcp(*packets)], [p[:2] for p in packets])

    def test_D14_a_client_that_does_not_read_is_left_and_others_are_served(self):
        with NameServer({"ex.test": ZONE}) as server:
            with socket.create_connection(("127.0.0.1", server.port), 5) as stuck:
                stuck.setblocking(False)
                packet = question("ex.test", "MX")
                try:
                    for _ in range(200000):
                        stuck.send(struct.pack(">H", len(packet)) + packet)
                except BlockingIOError:
                    pass
                self.assertEqual(rcode(server.udp("mail.ex.test")), 0)
                for pid in server.processes():
                    with open(f"/proc/{pid}/statm") as f:
                        self.assertLess(int(f.read().split()[1]) * 4096, (64 << 20) * (20 if SANITIZED else 1), "memory stays small")

    def test_allow_query_refuses_strangers(self):
        with NameServer({"ex.test": ZONE}, "allow-query { 192.0.2.0/24; };") as server:
            self.assertEqual(rcode(server.udp("mail.ex.test")), 5)


class Reloading(unittest.TestCase):
    def test_a_changed_zone_is_served_after_sighup(self):
        with NameServer({"ex.test": ZONE}) as server:
            self.assertEqual(rcode(server.udp("new.ex.test")), 3)
            server.write("ex.test", ZONE + "new A 192.0.2.3\n")
            server.reload()
            self.assertEqual(rcode(server.udp("new.ex.test")), 0)

    def test_D32_a_bad_zone_or_configuration_leaves_the_old_in_service(self):
        with NameServer({"ex.test": ZONE}) as server:
            server.write("ex.test", ZONE + "broken MX mail\n")
            server.reload()
            self.assertIn("ex.test:7:11: MX without a preference", server.logged())
            self.assertIn("stays in service", server.logged())
            self.assertEqual(answers(server.udp("ex.test", "MX")), 1)
            server.write("named.conf", "options { nonsense; };")
            server.reload()
            self.assertIn("reload failed", server.logged())
            self.assertEqual(answers(server.udp("ex.test", "MX")), 1)

    def test_a_zone_that_never_loaded_is_servfail_and_heals(self):
        with NameServer({"ex.test": "x A 1.2.3\n"}) as server:
            self.assertEqual(rcode(server.udp("ex.test", "MX")), 2)
            server.write("ex.test", ZONE)
            server.reload()
            self.assertEqual(rcode(server.udp("ex.test", "MX")), 0)

    def test_answers_go_on_while_a_large_zone_is_read(self):
        with NameServer({"ex.test": ZONE}) as server:
            server.write("ex.test", ZONE + "".join(f"h{i} A 192.0.2.1\n" for i in range(300000)))
            server.process.send_signal(signal.SIGHUP)
            slowest = 0
            while "reload complete" not in server.logged():
                start = time.monotonic()
                server.udp("mail.ex.test")
                slowest = max(slowest, time.monotonic() - start)
            self.assertLess(slowest, 0.5)
            self.assertEqual(answers(server.udp("h299999.ex.test")), 1)


class Checking(unittest.TestCase):
    def run_as(self, name, *arguments):
        return subprocess.run([name, *arguments], executable=PROGRAM, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)

    def test_K1_the_lab_s_mistakes_are_explained(self):
        with tempfile.TemporaryDirectory() as directory:
            zone, conf = os.path.join(directory, "c5.zone"), os.path.join(directory, "named.conf")
            with open(zone, "w") as f:
                f.write("$TTL 100\n@ IN SOA server.c5.exp.info.kochi-tech.ac.jp. root.server (1 3600 900 604800 100)\n"
                        "server IN NS server.c5.exp.info.kochi-tech.ac.jp.\n"
                        "c5.exp.info.kochi-tech.ac.jp IN MX server.c5.exp.info.kochi-tech.ac.jp.\n"
                        "server IN A 192.168.0.161\n")
            with open(conf, "w") as f:
                f.write('zone "." {\n\ttype hint;\n\tfiles "named.root";\n};\n')
            checked = self.run_as("named-checkzone", "c5.exp.info.kochi-tech.ac.jp", zone)
            self.assertEqual(checked.returncode, 1)
            for line in (f"{zone}:3: error: NS stands at server", "write: @ IN NS server\n",
                         f"{zone}:4:1: warning: the owner lacks its final dot",
                         f"{zone}:4:36: error: MX without a preference",
                         "write: c5.exp.info.kochi-tech.ac.jp. IN MX 10 server.c5.exp.info.kochi-tech.ac.jp.\n"):
                self.assertIn(line, checked.stdout)
            checked = self.run_as("named-checkconf", conf)
            self.assertEqual(checked.returncode, 1)
            self.assertIn(f'{conf}:3:2: error: "files" is no statement of a zone; write: file "named.root";', checked.stdout)

    def test_a_good_zone_is_ok(self):
        with tempfile.TemporaryDirectory() as directory:
            zone = os.path.join(directory, "ex.test")
            with open(zone, "w") as f:
                f.write(ZONE)
            checked = self.run_as("named-checkzone", "ex.test", zone)
            self.assertEqual((checked.returncode, checked.stdout), (0, "zone ex.test./IN: loaded serial 1\nOK\n"))


if __name__ == "__main__":
    unittest.main()
