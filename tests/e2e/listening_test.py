"""Addresses, files and flags of a running named-lite: what a reload changes without a restart, and BIND's flags."""

import os
import pwd
import shutil
import socket
import stat
import struct
import subprocess
import tempfile
import unittest

from control_test import Controlled
from dns_network import Network
from names_test import PROGRAM, ZONE, answers, question, rcode
from processes_test import Asker, status
from umaya_instance import free_port, wait_for


def ask(port, name, kind="A", address="127.0.0.1", timeout=2):
    """The answer; None when nobody listens there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((address, port))
            s.send(question(name, kind))
            return s.recv(4096)
        except (ConnectionRefusedError, TimeoutError):
            return None


def refuses_tcp(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
        return False
    except ConnectionRefusedError:
        return True


class Listening(unittest.TestCase):
    def configure(self, server, *ports):
        text = server.conf.replace(f"listen-on port {server.port} {{ 127.0.0.1; }};",
                                   "".join(f"listen-on port {port} {{ 127.0.0.1; }}; " for port in ports))
        server.write("named.conf", text)
        return server.ndc("reload")

    def start(self):
        server = self.enterContext(Controlled({"ex.test": ZONE}))
        with open(server.path("named.conf")) as f:
            server.conf = f.read()
        return server

    def test_E8_a_reload_opens_new_addresses_and_closes_others(self):
        server = self.start()
        first, second = server.port, free_port()
        with Asker(server) as asker, socket.create_connection(("127.0.0.1", first), 5) as kept:
            packet = question("mail.ex.test", "A")
            kept.sendall(struct.pack(">H", len(packet)) + packet)
            before = kept.recv(4096)
            self.assertIsNone(ask(second, "mail.ex.test"))
            self.assertEqual(self.configure(server, first, second)[0], 0)
            wait_for(lambda: ask(second, "mail.ex.test"), 10, "the new address is listened on")
            self.assertEqual(answers(ask(second, "mail.ex.test")), 1)
            socket.create_connection(("127.0.0.1", second), 2).close()
            kept.sendall(struct.pack(">H", len(packet)) + packet)
            self.assertEqual(kept.recv(4096), before, "a session at the old address goes on")
        self.assertEqual((asker.bad, asker.silent), (0, 0), "and so do all questions there")
        self.assertEqual(self.configure(server, second)[0], 0)
        wait_for(lambda: ask(first, "mail.ex.test", timeout=1) is None and refuses_tcp(first), 10, "the old address is closed")
        self.assertEqual(answers(ask(second, "mail.ex.test")), 1)
        self.assertIn(f"no longer listening on [127.0.0.1]:{first}", server.logged())
        # A query process that dies gets the sockets of now.
        for number in range(os.cpu_count()):
            os.kill(server.role(f"query{number}"), 9)
        wait_for(lambda: ask(second, "mail.ex.test", timeout=1), 10, "it answers again")
        self.assertIsNone(ask(first, "mail.ex.test", timeout=1))
        self.assertEqual(self.configure(server, first, second)[0], 0)
        wait_for(lambda: ask(first, "mail.ex.test", timeout=1), 10, "and the first address can be had back")

    def test_a_bad_configuration_opens_and_closes_nothing_and_says_every_error_D32(self):
        server = self.start()
        other = free_port()
        server.write("named.conf", server.conf.replace(f"port {server.port}", f"port {other}")
                     .replace("recursion no;", "recursion no;\nnonsense;\nallow-query { 10.0.0.300; };"))
        done = subprocess.run([PROGRAM, "ndc", "-s", server.path("ndc"), "reload"], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        for expected in ("named.conf:2:1: \"nonsense\" is no statement", "named.conf:3:15:", "the old one stays in service"):
            self.assertIn(expected, done.stderr)
        self.assertEqual(answers(ask(server.port, "mail.ex.test")), 1)
        self.assertIsNone(ask(other, "mail.ex.test", timeout=1))

    def test_a_reload_opens_and_closes_the_sockets_of_ndc_and_of_statistics(self):
        server = self.start()
        first, second = free_port(), free_port()

        def statistics(port):
            try:
                with socket.create_connection(("127.0.0.1", port), 2) as s:
                    s.sendall(b"GET /json/v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                    return s.recv(65536).startswith(b"HTTP/1.1 200")
            except OSError:
                return False

        def channels(*ports, ndc=("ndc",)):
            controls = " ".join(f'unix "{server.path(name)}" perm 0600{more};' for name, *rest in
                                (each if isinstance(each, tuple) else (each,) for each in ndc) for more in (rest or [""]))
            text = server.conf.split("controls {")[0] + f"controls {{ {controls} }};\n"
            text += "".join(f"statistics-channels {{ inet 127.0.0.1 port {port}; }};\n" for port in ports)
            server.write("named.conf", text)

        def ndc(name, *words):
            done = subprocess.run([PROGRAM, "ndc", "-s", server.path(name), *words], capture_output=True, text=True, timeout=60)
            return done.returncode, done.stdout + done.stderr

        self.assertFalse(statistics(first))
        channels(first, ndc=("ndc", ("other", " read-only yes")))
        self.assertEqual(ndc("ndc", "reload")[0], 0)
        wait_for(lambda: statistics(first), 10, "statistics are given")
        wait_for(lambda: ndc("other", "status")[0] == 0, 10, "commands are taken over the new socket")
        self.assertIn("read-only", ndc("other", "reload")[1])
        self.assertEqual(stat.S_IMODE(os.stat(server.path("other")).st_mode), 0o600)
        channels(second, ndc=("other",))
        self.assertEqual(ndc("ndc", "reconfig")[0], 0)
        wait_for(lambda: statistics(second) and not statistics(first), 10, "another address has the place of the first")
        wait_for(lambda: not os.path.exists(server.path("ndc")), 10, "the old socket is closed")
        wait_for(lambda: ndc("other", "reload")[0] == 0, 10, "the other one may do all now")
        # What stands in the way is told, and all else goes on.
        with socket.create_server(("127.0.0.1", first)):
            channels(first, second, ndc=("other", "/nonexistent/ndc"))
            self.assertEqual(ndc("other", "reload")[0], 0)
            wait_for(lambda: "no statistics on" in server.logged() and "not controlled over" in server.logged(), 10)
        self.assertTrue(statistics(second))
        # A zone process that dies gets the sockets of now.
        before = server.role("zone")
        os.kill(before, 9)
        wait_for(lambda: server.role("zone") not in (None, before) and ndc("other", "status")[0] == 0, 20, "it is controlled again")
        wait_for(lambda: statistics(second), 10, "and gives statistics")

    @unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
    def test_0_0_0_0_stands_for_all_addresses_and_each_answers_for_itself(self):
        with Network() as net:
            host, client = net.host("host"), net.host("client")
            net.link(client, "10.0.0.9/24", host, "10.0.0.1/24")
            client.address("fd00::9/64", "client-0")
            host.address("10.0.0.2/24", "host-0")
            host.address("fd00::1/64", "host-0")
            host.address("fd00::2/64", "host-0")
            conf = ('options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { 0.0.0.0; }; listen-on-v6 { ::; }; '
                    'recursion no; };\nkey k { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'
                    'view one { match-destinations { 10.0.0.1; fd00::1; }; zone "ex.test" { type primary; file "one"; }; };\n'
                    'view two { zone "ex.test" { type primary; file "two"; }; };\n')
            server = net.named(host, conf, {"one": ZONE + "www A 10.1.1.1\n", "two": ZONE + "www A 10.2.2.2\n"})
            host.address("10.0.0.3/24", "host-0")  # one that comes later
            for address, expected in (("10.0.0.1", "10.1.1.1"), ("10.0.0.2", "10.2.2.2"), ("10.0.0.3", "10.2.2.2"),
                                      ("fd00::1", "10.1.1.1"), ("fd00::2", "10.2.2.2")):
                for more in ((), ("+tcp",), ("-y", "hmac-sha256:k:c2VjcmV0")):
                    text = client.dig(address, "www.ex.test", "A", *more)
                    self.assertIn(expected, text, (address, more, server.logged()))
                    self.assertNotIn("unexpected", text)

    def test_errors_of_zones_are_told_to_who_reloads(self):
        server = self.start()
        server.write("ex.test", ZONE + "broken MX mail\n")
        code, text = server.ndc("reload")
        self.assertEqual(code, 0)
        self.assertIn("ex.test:7:11: MX without a preference", text)
        self.assertIn("server reload successful", text)

    def test_reconfig_reads_new_zones_alone(self):
        server = self.start()
        server.write("ex.test", ZONE.replace("root 1", "root 2") + "new A 192.0.2.9\n")
        server.write("two.test", ZONE)
        server.write("named.conf", server.conf + 'zone "two.test" { type primary; file "two.test"; };\n')
        self.assertEqual(server.ndc("reconfig"), (0, "server reconfig successful\n"))
        self.assertEqual(answers(server.udp("mail.two.test")), 1)
        self.assertEqual(rcode(server.udp("new.ex.test")), 3, "the file of a zone that is there was not read")
        server.write("other", ZONE + "third A 192.0.2.9\n")
        server.write("named.conf", server.conf.replace('file "ex.test"', 'file "other"'))
        self.assertEqual(server.ndc("reconfig")[0], 0)
        self.assertEqual(answers(server.udp("third.ex.test")), 1, "but one that the configuration names anew")
        self.assertEqual(server.ndc("reload")[0], 0)

    @unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
    def test_ports_below_1024_are_opened_by_who_has_given_up_root(self):
        with Network() as net:
            host = net.host("host")
            conf = ('options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { %s }; listen-on-v6 { none; }; recursion no; '
                    '};\nzone "ex.test" { type primary; file "z"; };\n')
            server = net.named(host, conf % "127.0.0.1;", {"z": ZONE}, ("-u", "nobody"))
            nobody = str(pwd.getpwnam("nobody").pw_uid)
            self.assertIsNone(host.status("127.0.0.2", "mail.ex.test", "+time=1", "+tries=1"))
            host.address("127.0.0.2/8")
            server.write("named.conf", conf % "127.0.0.1; 127.0.0.2;")
            server.reload()
            wait_for(lambda: host.status("127.0.0.2", "mail.ex.test", "+time=1", "+tries=1") == "NOERROR", 10, server.logged())
            bind = f"{1 << 10:016x}"
            with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as f:
                children = f.read().split()
            parent = status(server.process.pid)
            self.assertEqual((parent["Uid"].split()[0], parent["CapEff"], parent["CapPrm"]), (nobody, bind, bind))
            self.assertEqual(len(children), 3)
            for child in children:
                self.assertEqual((status(child)["CapEff"], status(child)["CapPrm"]), ("0" * 16, "0" * 16))


class Flags(unittest.TestCase):
    def run_once(self, *arguments):
        done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def test_what_it_is_and_what_it_does_not_have_is_said(self):
        self.assertEqual(self.run_once("-v"), (0, "named-lite (Umaya)\n"))
        code, text = self.run_once("-V")
        self.assertEqual(code, 0)
        self.assertIn("/etc/umaya/named.conf", text)
        for arguments, expected in ((("-S", "4096"), "-S is a flag of BIND"), (("-4", "-6"), "exclude each other"),
                                    (("-p", "0"), "-p 0: no such value"), (("-d", "x"), "-d x: no such value"),
                                    (("-k",), "-k is not known"), (("-c",), "-c needs a value"), (("word",), "word is too much")):
            code, text = self.run_once(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn(expected, text)
            self.assertIn("usage:", text)

    def test_4_and_6_listen_on_one_family(self):
        for flag, there, away in (("-4", "127.0.0.1", "::1"), ("-6", "::1", "127.0.0.1")):
            with tempfile.TemporaryDirectory() as directory:
                port = free_port()
                with open(f"{directory}/named.conf", "w") as f:
                    f.write(f'options {{ directory "{directory}"; listen-on {{ 127.0.0.1; }}; listen-on-v6 {{ ::1; }}; '
                            'recursion no; };\nzone "ex.test" { type primary; file "z"; };\n')
                with open(f"{directory}/z", "w") as f:
                    f.write(ZONE)
                process = subprocess.Popen([PROGRAM, flag, "-f", "-g", "-d1", "-p", f"dns={port}", "-n1", "-D", "x", "-c",
                                            f"{directory}/named.conf"], stderr=subprocess.PIPE, text=True)
                try:
                    wait_for(lambda at=there: ask(port, "mail.ex.test", address=at, timeout=1), 10, f"{flag} answers")
                    self.assertIsNone(ask(port, "mail.ex.test", address=away, timeout=1))
                finally:
                    process.terminate()
                    log = process.stderr.read()
                    process.wait(10)
                    process.stderr.close()
                self.assertIn("in force: no_new_privs", log, "-d1 writes debugging lines")

    @unittest.skipUnless(os.geteuid() == 0, "network namespaces need root")
    def test_6_keeps_a_host_that_has_both_to_one_family_for_everything(self):
        with Network() as net:
            one, two = net.host("one"), net.host("two")
            net.link(one, "10.0.0.1/24", two, "10.0.0.2/24")
            one.address("fd00::1/64", "one-0")
            two.address("fd00::2/64", "two-0")
            primary = net.named(one, '''options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { any; }; listen-on-v6 { any; };
  recursion no; allow-transfer { any; }; notify explicit; also-notify { 10.0.0.2; fd00::2; }; };
zone "ex.test" { type primary; file "ex"; };
zone "far.test" { type primary; file "ex"; };
''', {"ex": ZONE}, ("-6",))
            second = net.named(two, '''options { directory "$DIR"; pid-file "$DIR/named.pid"; listen-on { any; }; listen-on-v6 { ::1; fd00::2; };
  recursion yes; forward only; forwarders { 10.0.0.1; fd00::1; }; };
zone "ex.test" { type secondary; primaries { 10.0.0.1; fd00::1; }; file "copy"; };
''', {}, ("-6",))
            for server in (primary, second):
                with open(f"/proc/{server.process.pid}/net/udp") as f:
                    self.assertNotIn(":0035 ", f.read(), "no socket of IPv4")
            wait_for(lambda: two.short("::1", "ex.test", "MX") == ["10 mail.ex.test."], 10, "the zone comes")
            self.assertEqual(two.short("fd00::1", "ex.test", "MX"), ["10 mail.ex.test."])
            self.assertIsNone(two.status("10.0.0.1", "ex.test", "+time=1", "+tries=1"))
            self.assertIn("from [fd00::1]:53", second.logged())
            self.assertEqual(two.short("::1", "mail.far.test"), ["192.0.2.2"], "recursion")
            primary.write("ex", ZONE.replace("root 1 ", "root 2 "))
            primary.reload()
            wait_for(lambda: "root.ex.test. 2 " in two.dig("::1", "ex.test", "SOA", "+short"), 10, "a NOTIFY brings the change")
            self.assertIn("notify of serial 2 to [fd00::2]:53: answered", primary.logged())
            for server in (primary, second):
                self.assertNotIn("10.0.0.", server.logged(), "nothing was tried over IPv4")

    @unittest.skipUnless(os.geteuid() == 0, "chroot needs root")
    def test_t_serves_from_a_directory_of_its_own_with_the_sandbox_on(self):
        with tempfile.TemporaryDirectory() as root:
            os.chmod(root, 0o755)
            port = free_port()
            os.makedirs(f"{root}/etc")
            os.makedirs(f"{root}/zones")
            with open(f"{root}/etc/named.conf", "w") as f:
                f.write(f'options {{ directory "/zones"; pid-file "/zones/named.pid"; listen-on port {port} {{ 127.0.0.1; }}; '
                        'listen-on-v6 { none; }; recursion no; };\nzone "ex.test" { type primary; file "ex"; allow-update '
                        '{ 127.0.0.1; }; };\n')
            with open(f"{root}/zones/ex", "w") as f:
                f.write(ZONE)
            for path in ("zones", "zones/ex"):
                shutil.chown(f"{root}/{path}", "nobody")
            log = open(f"{root}/log", "w")
            process = subprocess.Popen([PROGRAM, "-g", "-d", "1", "-t", root, "-u", "nobody", "-n1", "-c", "/etc/named.conf"],
                                       stderr=log)
            try:
                wait_for(lambda: ask(port, "mail.ex.test", timeout=1), 10, "it answers")
                with open(f"/proc/{process.pid}/task/{process.pid}/children") as f:
                    pids = [process.pid, *map(int, f.read().split())]
                self.assertEqual(len(pids), 3)
                for pid in pids:
                    self.assertEqual(os.readlink(f"/proc/{pid}/root"), root)
                    self.assertEqual(status(pid)["Seccomp"], "2")
                    self.assertEqual(status(pid)["Uid"].split()[0], str(pwd.getpwnam("nobody").pw_uid))
                with open(f"{root}/zones/named.pid") as f:
                    self.assertEqual(int(f.read()), process.pid)
                done = subprocess.run([PROGRAM, "ndc", "-s", f"{root}/zones/named.ndc", "reload"], capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stdout), (0, "server reload successful\n"), done.stderr)
                self.assertTrue(os.path.exists(f"{root}/zones/named-lite.journal"))
            finally:
                process.terminate()
                process.wait(10)
                log.close()
            with open(f"{root}/log") as f:
                text = f.read()
            self.assertIn("landlock", text)
            self.assertEqual(self.run_once("-g", "-t", f"{root}/nowhere")[0], 1)


if __name__ == "__main__":
    unittest.main()
