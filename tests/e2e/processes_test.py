"""The processes of named-lite: what each of them may do, and that the death of one does not stop the answers."""

import os
import pwd
import re
import signal
import socket
import subprocess
import threading
import time
import unittest

import names_test
from names_test import PROGRAM, ZONE, NameServer, answers, rcode
from umaya_instance import BUILD, Instance, free_port, wait_for


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def open_files(pid):
    links = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:
            pass
    return links


class Asker:
    """Asks the same question again and again in a thread; counts answers, wrong ones and silences."""

    def __init__(self, server, name="mail.ex.test"):
        self.server, self.name = server, name
        self.good = self.bad = self.silent = 0
        self.longest = 0.0
        self.stopping = False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        last = time.monotonic()
        while not self.stopping:
            try:
                answer = self.server.udp(self.name, timeout=0.5)
                good = rcode(answer) == 0 and answers(answer) == 1
                self.good += good
                self.bad += not good
                now = time.monotonic()
                self.longest = max(self.longest, now - last)
                last = now
            except TimeoutError:
                self.silent += 1

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.stopping = True
        self.thread.join()


def refused(server, packet):
    try:
        return rcode(server.udp_packet(packet, timeout=1)) == 5
    except TimeoutError:  # the table of those who wait was full
        return False


def restarted(server, role, before):
    pid = server.role(role)
    return pid is not None and pid != before


class Processes(unittest.TestCase):
    def test_each_process_has_what_it_needs_and_no_more(self):
        with NameServer({"ex.test": ZONE}) as server:
            roles = {role: server.role(role) for role in ("query0", "zone")}
            self.assertNotIn(None, roles.values())
            for role, pid in roles.items():
                with self.subTest(role):
                    said = status(pid)
                    self.assertEqual(said["NoNewPrivs"], "1")
                    self.assertEqual(said["Seccomp"], "2")
            for link in open_files(roles["query0"]):
                self.assertFalse(link.startswith(server.directory.name) and not link.endswith("/log"), link)
            sockets = [link for link in open_files(roles["zone"]) if link.startswith("socket:")]
            with open(f"/proc/{roles['zone']}/net/udp") as f:
                port = f"{server.port:04X}"
                inodes = re.findall(rf":{port} \S+ .*? +0 +(\d+) 2 ", f.read())
            self.assertFalse([i for i in inodes if f"socket:[{i}]" in sockets], "the zone process has no port 53")

    @unittest.skipIf(os.geteuid() != 0, "needs root")
    def test_all_run_as_the_user_of_u_and_only_the_parent_may_open_low_ports(self):
        with NameServer({"ex.test": ZONE}, arguments=("-u", "nobody")) as server:
            uid = pwd.getpwnam("nobody").pw_uid
            for pid in server.processes():
                said = status(pid)
                self.assertEqual(said["Uid"].split(), [str(uid)] * 4)
                rights = 1 << 10 if pid == server.process.pid else 0  # CAP_NET_BIND_SERVICE
                self.assertEqual([int(said[f"Cap{kind}"], 16) for kind in ("Eff", "Prm", "Inh", "Amb")], [rights, rights, 0, 0])
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)

    def test_secrets_are_in_the_memory_of_the_zone_process_alone(self):
        secret = "c2VjcmV0IG9mIHRoaXMgdGVzdA=="
        with NameServer({"ex.test": ZONE}, before=f'key "k" {{ algorithm hmac-sha256; secret "{secret}"; }};\n') as server:
            found = {}
            for pid in server.processes():
                with open(f"/proc/{pid}/comm") as f:
                    found[f.read().strip()] = in_memory(pid, secret.encode()) or in_memory(pid, b"secret of this test")
            self.assertTrue(found.pop("named-zone"))
            self.assertNotIn(True, found.values(), found)

    def test_n_says_how_many_query_processes_there_are(self):
        with NameServer({"ex.test": ZONE}, arguments=("-n", "3")) as server:
            self.assertEqual(len(server.processes()), 5)
            for _ in range(30):
                self.assertEqual(answers(server.udp("mail.ex.test")), 1)

    def test_X_keeps_everything_in_one_process(self):
        with NameServer({"ex.test": ZONE}, arguments=("-X",)) as server:
            self.assertEqual(len(server.processes()), 1)
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)
            server.write("ex.test", ZONE + "new A 192.0.2.3\n")
            server.reload()
            self.assertEqual(answers(server.udp("new.ex.test")), 1)

    def test_a_port_that_is_in_use_is_refused(self):
        with NameServer({"ex.test": ZONE}) as server:
            second = subprocess.run([PROGRAM, "-g", "-c", server.path("named.conf")], capture_output=True, text=True,
                                    timeout=30, check=False)
            self.assertEqual(second.returncode, 1)
            self.assertIn("Address already in use", second.stderr)

    def test_the_end_of_the_parent_is_the_end_of_all(self):
        with NameServer({"ex.test": ZONE}) as server:
            pids = server.processes()[1:]
            server.process.kill()
            server.process.wait()
            wait_for(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), 10, "the processes end")
            server.start()
            self.assertEqual(answers(server.udp("mail.ex.test")), 1)


class Deaths(unittest.TestCase):
    def test_a_dead_query_process_is_replaced_and_the_others_answer(self):
        with NameServer({"ex.test": ZONE}, arguments=("-n", "2")) as server, Asker(server) as asker:
            for _ in range(3):
                for role in ("query0", "query1"):
                    before = server.role(role)
                    os.kill(before, signal.SIGKILL)
                    wait_for(lambda r=role, b=before: restarted(server, r, b), 10, "it is started again")
            wait_for(lambda: asker.good > 100, 10, "answers go on")
        self.assertEqual(asker.bad, 0)
        self.assertLess(asker.longest, 3)

    def test_answers_go_on_while_the_zone_process_is_dead(self):
        with NameServer({"ex.test": ZONE}) as server, Asker(server) as asker:
            for i in range(3):
                os.kill(server.role("zone"), signal.SIGKILL)
                wait_for(lambda n=i: server.logged().count("works again") == n + 1, 10, "it works again")
            server.write("ex.test", ZONE + "new A 192.0.2.3\n")
            server.reload()
            self.assertEqual(answers(server.udp("new.ex.test")), 1)
        self.assertEqual((asker.bad, asker.silent), (0, 0))
        self.assertLess(asker.longest, 0.5)

    def test_a_stopped_zone_process_does_not_stop_answers(self):
        with NameServer({"ex.test": ZONE}) as server, Asker(server) as asker:
            pid = server.role("zone")
            os.kill(pid, signal.SIGSTOP)
            try:
                packet = names_test.question("ex.test", "SOA", flags=0x2400)  # a NOTIFY: nobody answers it now
                senders = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(8)]
                for i in range(20000):
                    senders[i % 8].sendto(packet, ("127.0.0.1", server.port))
                before = asker.good
                wait_for(lambda: asker.good > before + 100, 10, "answers go on")
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_for(lambda: refused(server, packet), 15, "the zone process answers again")
            for sender in senders:
                sender.close()
        self.assertEqual(asker.bad, 0)

    def test_a_storm_of_reloads_ends_with_the_newest_zone(self):
        with NameServer({"ex.test": ZONE}) as server, Asker(server) as asker:
            for i in range(50):
                server.write("ex.test", ZONE.replace("1 3600", f"{i + 2} 3600") + f"n{i} A 192.0.2.3\n")
                server.process.send_signal(signal.SIGHUP)
                time.sleep(0.01)
            wait_for(lambda: answers(server.udp("n49.ex.test")) == 1, 20, "the newest zone is served")
        self.assertEqual((asker.bad, asker.silent), (0, 0))


class Many(unittest.TestCase):
    COUNT = 60000

    def test_sixty_thousand_zones_need_few_descriptors(self):
        with NameServer({"z": ZONE}) as server:
            with open(server.path("named.conf"), "a") as f:
                f.writelines(f'zone "z{i}.test" {{ type master; file "z"; }};\n' for i in range(self.COUNT))
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "reload complete" in server.logged(), 120, "60,000 zones are read")
            for i in (0, 30000, self.COUNT - 1):
                self.assertEqual(answers(server.udp(f"mail.z{i}.test")), 1)
            for pid in server.processes():
                self.assertLess(len(open_files(pid)), 200)
            before = server.role("query0")
            os.kill(before, signal.SIGKILL)
            wait_for(lambda: restarted(server, "query0", before), 20, "it is started again")
            wait_for(lambda: answers(server.udp("mail.z77.test", timeout=20)) == 1, 20, "it has the zones")


class UnderMaster(unittest.TestCase):
    def test_master_starts_it_again_and_umaya_reload_reads_zones(self):
        port = free_port()
        with Instance(start=False, master_cf="domain unix n - n 1 1 named-lite\n") as mail:
            mail.set(named_config_file=mail.path("named.conf"))
            mail.crashes_expected = True
            mail.write("named.conf", f'options {{ directory "{mail.config}"; listen-on port {port} {{ 127.0.0.1; }}; '
                       'listen-on-v6 { none; }; };\nzone "ex.test" { type master; file "ex.test"; };\n')
            mail.write("ex.test", ZONE)
            mail.start()
            self.assertEqual(wait_rcode(port, "mail.ex.test"), 0)
            self.assertEqual(wait_rcode(port, "new.ex.test"), 3)
            mail.write("ex.test", ZONE + "new A 192.0.2.3\n")
            mail.reload()
            wait_for(lambda: wait_rcode(port, "new.ex.test") == 0, 10, "the changed zone is served")
            mail.wait_log("reload complete")
            for pid, program in mail.daemons().items():
                if program == "named-lite":  # the one that master knows, and the parent of the others
                    os.kill(pid, signal.SIGKILL)
            wait_for(lambda: mail.log().count("running") >= 2, 20, "it runs again")
            self.assertEqual(wait_rcode(port, "new.ex.test"), 0)
            mail.stop()
            with self.assertRaises(OSError):
                ask(port, "mail.ex.test", 1)


def ask(port, name, timeout):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect(("127.0.0.1", port))
        s.send(names_test.question(name, "A"))
        return rcode(s.recv(4096))


def wait_rcode(port, name):
    """The response code as soon as there is one."""
    codes = []

    def asked():
        try:
            codes.append(ask(port, name, 1))
        except OSError:
            time.sleep(0.1)
        return codes

    wait_for(asked, 20, f"an answer for {name}")
    return codes[0]


def in_memory(pid, needle):
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb") as memory:
        for line in maps:
            start, end = (int(x, 16) for x in line.split()[0].split("-"))
            if "r" not in line.split()[1] or line.rstrip().endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            if end - start > 1 << 30 and os.path.isdir(os.path.join(BUILD, "sanitizer-reports")):
                continue  # the sanitizer's map of the address space: terabytes, and nothing of ours in it
            try:
                memory.seek(start)
                if needle in memory.read(end - start):
                    return True
            except (OSError, ValueError):
                pass
    return False


if __name__ == "__main__":
    unittest.main()
