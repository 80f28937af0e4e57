"""Dynamic update: nsupdate against named-lite, the journal behind it, and what a restart brings back."""

import re
import subprocess
import unittest

import dns_peers
from dns_peers import Bind, dig, records
from names_test import PROGRAM, NameServer

SECRET = "c2VjcmV0IG9mIGJvdGggc2lkZXM="
KEY = f'key "upd" {{ algorithm hmac-sha256; secret "{SECRET}"; }};\n'
ZONE = """$TTL 3600
@ SOA ns1 hostmaster 7 3600 900 604800 60
@ NS ns1
@ MX 10 mail
ns1 A 192.0.2.1
mail A 192.0.2.2
www CNAME mail
"""


class Dynamic(NameServer):
    """named-lite with one zone that who has the key, or the given list, may update."""

    def __init__(self, zone=ZONE, statements="allow-update { key upd; };", extra=""):
        self.statements = statements
        super().__init__({"ex.test": zone}, extra)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        text = text.replace('file "ex.test";', f'file "ex.test"; allow-transfer {{ any; }}; notify no; {self.statements}')
        self.write("named.conf", KEY + f'controls {{ unix "{self.path("ndc")}" perm 0600; }};\n' + text)

    def ndc(self, *words):
        """Whether it went well, and what was said."""
        done = subprocess.run([PROGRAM, "ndc", "-s", self.path("ndc"), *words], capture_output=True, text=True, timeout=60)
        return done.returncode == 0, done.stdout + done.stderr

    def file(self):
        with open(self.path("ex.test")) as f:
            return f.read()

    def nsupdate(self, *lines, key=True, tcp=False):
        """The answer's code, "NOERROR" when all went well."""
        script = f"server 127.0.0.1 {self.port}\nzone ex.test.\n" + "".join(line + "\n" for line in lines) + "send\nanswer\n"
        command = [dns_peers.program("nsupdate"), "-t", "20", "-r", "0"]
        command += ["-v"] if tcp else []
        command += ["-y", f"hmac-sha256:upd:{SECRET}"] if key else []
        done = subprocess.run(command, input=script, capture_output=True, text=True, env=dns_peers.environment(), timeout=60)
        found = re.search(r"update failed: (\w+)", done.stdout + done.stderr)
        if found:
            return found.group(1)
        found = re.search(r"status: (\w+)", done.stdout)
        return found.group(1) if found else done.stdout + done.stderr

    def answer(self, name, kind):
        return sorted(dig(self.port, name, kind, "+short").split("\n")[:-1])

    def serial(self):
        return int(self.answer("ex.test", "SOA")[0].split()[2])

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def zone(self):
        return records(dig(self.port, "ex.test", "AXFR", "+noall", "+answer"))


class Updates(dns_peers.WithPeers):
    def test_what_nsupdate_changes_is_served_at_once_and_after_kill_9(self):
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9", "update delete www.ex.test. CNAME"),
                             "NOERROR")
            self.assertEqual(server.serial(), 8)
            self.assertEqual(server.answer("new.ex.test", "A"), ["192.0.2.9"])
            self.assertEqual(server.answer("www.ex.test", "CNAME"), [])
            self.assertEqual(server.nsupdate("update add ex.test. 300 TXT \"a b\"", tcp=True), "NOERROR")
            before = server.zone()
            server.kill()
            with open(server.path("ex.test")) as f:
                self.assertEqual(f.read(), ZONE)
            server.start()
            self.assertEqual(server.serial(), 9)
            self.assertEqual(server.zone(), before)
            self.assertIn("2 changes of the journal, up to serial 9", server.logged())

    def test_prerequisites_decide_and_each_has_its_code(self):
        with Dynamic() as server:
            add = "update add new.ex.test. 300 A 192.0.2.9"
            self.assertEqual(server.nsupdate("prereq yxdomain none.ex.test.", add), "NXDOMAIN")
            self.assertEqual(server.nsupdate("prereq nxdomain mail.ex.test.", add), "YXDOMAIN")
            self.assertEqual(server.nsupdate("prereq yxrrset mail.ex.test. MX", add), "NXRRSET")
            self.assertEqual(server.nsupdate("prereq nxrrset mail.ex.test. A", add), "YXRRSET")
            self.assertEqual(server.nsupdate("prereq yxrrset mail.ex.test. A 192.0.2.3", add), "NXRRSET")
            self.assertEqual(server.serial(), 7)
            self.assertEqual(server.nsupdate("prereq yxrrset mail.ex.test. A 192.0.2.2", "prereq nxdomain new.ex.test.", add),
                             "NOERROR")
            self.assertEqual(server.serial(), 8)

    def test_changes_that_bind_left_in_its_journal_are_told(self):
        statement = 'zone "ex.test" { type primary; file "z"; allow-update { any; }; %s };'
        for journal in ("", 'journal "kept";'):
            with self.subTest(journal), Bind(statement % journal, {"z": ZONE}) as bind, NameServer({}) as ours:
                bind.wait_serial("ex.test", 7)
                script = f"server 127.0.0.1 {bind.port}\nzone ex.test\nupdate add new.ex.test. 60 A 192.0.2.9\nsend\n"
                subprocess.run([dns_peers.program("nsupdate")], input=script, text=True, check=True, env=dns_peers.environment())
                bind.wait_serial("ex.test", 8)
                bind.process.kill()
                bind.process.wait(10)
                with open(ours.path("named.conf"), "a") as f:
                    f.write(statement.replace('"z"', f'"{bind.path("z")}"') % journal.replace("kept", bind.path("kept")))
                ours.process.terminate()  # its sandbox knows no other directories
                ours.process.wait(10)
                ours.start()
                name = "kept" if journal else "z.jnl"
                self.assertIn(f"BIND has changes up to serial 8 in {bind.path(name)}, the file has serial 7", ours.logged())

    def test_D23_who_is_not_allowed_is_refused(self):
        add = "update add new.ex.test. 300 A 192.0.2.9"
        with Dynamic() as server:
            self.assertEqual(server.nsupdate(add, key=False), "REFUSED")
            self.assertEqual(server.nsupdate("update add other.test. 300 A 192.0.2.9"), "NOTZONE")
            self.assertEqual(server.serial(), 7)
        with Dynamic(statements="") as server:
            self.assertEqual(server.nsupdate(add), "REFUSED")

    def test_D23_the_soa_and_the_last_ns_stay(self):
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update delete ex.test. SOA", "update delete ex.test. NS",
                                             "update delete ex.test. NS ns1.ex.test."), "NOERROR")
            self.assertEqual(server.serial(), 7)
            self.assertEqual(server.nsupdate("update delete ex.test."), "NOERROR")
            self.assertEqual(server.answer("ex.test", "NS"), ["ns1.ex.test."])
            self.assertEqual(server.answer("ex.test", "MX"), [])

    def test_a_reload_keeps_what_was_updated(self):
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            server.reload()
            self.assertEqual(server.answer("new.ex.test", "A"), ["192.0.2.9"])
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.10"), "NOERROR")
            self.assertEqual(server.serial(), 9)

    def test_a_file_that_was_edited_beside_the_journal_is_not_taken(self):
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            server.kill()
            server.write("ex.test", ZONE.replace(" 7 ", " 20 "))
            server.start()
            self.assertIn("the file has serial 20, the journal goes from 7 to 8", server.logged())
            self.assertIn("SERVFAIL", dig(server.port, "ex.test", "SOA"))
            server.kill()
            server.write("ex.test", ZONE)
            server.start()
            self.assertEqual(server.answer("new.ex.test", "A"), ["192.0.2.9"])

    def test_sync_writes_the_file_and_clean_empties_the_journal(self):
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            self.assertIn("serials 7 to 8, 7 in the file", server.ndc("zonestatus", "ex.test")[1])
            self.assertEqual(server.ndc("sync", "ex.test"), (True, "written\n"))
            self.assertRegex(server.file(), r"new\s+300\s+IN\s+A\s+192\.0\.2\.9")
            self.assertIn("serials 7 to 8, 8 in the file", server.ndc("zonestatus", "ex.test")[1])
            self.assertEqual(server.ndc("sync", "-clean"), (True, "written (1 zones)\n"))
            self.assertIn("journal: empty", server.ndc("zonestatus", "ex.test")[1])
            before = server.zone()
            server.kill()
            server.start()
            self.assertEqual(server.zone(), before)
            self.assertEqual(server.nsupdate("update delete new.ex.test."), "NOERROR")
            self.assertEqual(server.serial(), 9)

    def test_a_frozen_zone_takes_no_updates_until_its_edited_file_is_thawed(self):
        add = "update add more.ex.test. 300 A 192.0.2.10"
        with Dynamic() as server:
            self.assertEqual(server.nsupdate("update add new.ex.test. 300 A 192.0.2.9"), "NOERROR")
            self.assertIn("takes updates: freeze it", server.ndc("reload", "ex.test")[1])
            self.assertEqual(server.ndc("freeze", "ex.test"), (True, "frozen\n"))
            self.assertIn("frozen: yes", server.ndc("zonestatus", "ex.test")[1])
            self.assertEqual(server.nsupdate(add), "REFUSED")
            text = server.file()
            self.assertIn("192.0.2.9", text)
            server.write("ex.test", text + "bad A 192.0.2\n")
            self.assertFalse(server.ndc("thaw", "ex.test")[0])
            self.assertEqual(server.nsupdate(add), "REFUSED")
            server.write("ex.test", text.replace(" 8 ", " 20 ") + "byhand A 192.0.2.11\n")
            self.assertEqual(server.ndc("thaw", "ex.test"), (True, "thawed\n"))
            self.assertEqual((server.serial(), server.answer("byhand.ex.test", "A")), (20, ["192.0.2.11"]))
            self.assertEqual(server.nsupdate(add), "NOERROR")
            before = server.zone()
            server.kill()
            server.start()
            self.assertEqual((server.serial(), server.zone()), (21, before))


if __name__ == "__main__":
    unittest.main()
