"""ndc: what an administrator tells a running named-lite over its Unix socket."""

import os
import stat
import struct
import subprocess
import time
import unittest

from names_test import PROGRAM, ZONE, NameServer, answers, rcode
from umaya_instance import wait_for


class Controlled(NameServer):
    def __init__(self, zones, extra="", controls=None, more=""):
        self.controls, self.more = controls, more
        super().__init__(zones, extra)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf"), "a") as f:
            default = f'controls {{ unix "{self.path("ndc")}" perm 0600; }};\n'
            f.write(self.more + (default if self.controls is None else self.controls))

    def ndc(self, *words):
        done = subprocess.run([PROGRAM, "ndc", "-c", self.path("named.conf"), *words], capture_output=True, text=True,
                              timeout=60)
        return done.returncode, done.stdout + done.stderr


def over_socket(server, *words):
    """ndc when the configuration does not name the socket."""
    done = subprocess.run([PROGRAM, "ndc", "-s", server.path("ndc"), *words], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Commands(unittest.TestCase):
    def test_reload_tells_whether_it_went_well(self):
        with Controlled({"ex.test": ZONE}) as server:
            server.write("ex.test", ZONE.replace("root 1 ", "root 2 ") + "new A 192.0.2.9\n")
            self.assertEqual(server.ndc("reload"), (0, "server reload successful\n"))
            self.assertEqual(answers(server.udp("new.ex.test")), 1)
            server.write("named.conf", "options { nonsense; };")
            code, text = over_socket(server, "reload")
            self.assertEqual(code, 1)
            self.assertIn("the old one stays in service", text)
            self.assertEqual(answers(server.udp("new.ex.test")), 1)

    def test_a_reload_beside_another_one_ends_with_what_was_there_when_it_was_asked_for(self):
        def zone(serial):
            return ZONE.replace("root 1 ", f"root {serial} ") + "".join(f"h{i} A 192.0.2.9\n" for i in range(100000))

        with Controlled({"ex.test": zone(1)}) as server:
            for serial in (2, 4, 6):
                server.write("ex.test", zone(serial))
                first = subprocess.Popen([PROGRAM, "ndc", "-s", server.path("ndc"), "reload"], stdout=subprocess.DEVNULL)
                time.sleep(0.02 * serial)
                server.write("ex.test.new", zone(serial + 1))
                os.rename(server.path("ex.test.new"), server.path("ex.test"))
                self.assertEqual(server.ndc("reload"), (0, "server reload successful\n"))
                self.assertIn(struct.pack(">I", serial + 1), server.udp("ex.test", "SOA"))
                self.assertEqual(first.wait(60), 0)

    def test_a_bad_reload_beside_a_good_one_is_told_to_who_asked_for_it(self):
        big = ZONE + "".join(f"h{i} A 192.0.2.9\n" for i in range(100000))
        with Controlled({"ex.test": big}) as server:
            server.write("ex.test", big.replace("root 1 ", "root 2 "))
            first = subprocess.Popen([PROGRAM, "ndc", "-s", server.path("ndc"), "reload"], stdout=subprocess.DEVNULL)
            wait_for(lambda: "reloading" in server.logged(), 10)
            time.sleep(0.05)
            server.write("named.conf", "options { nonsense; };")
            self.assertEqual(over_socket(server, "reload")[0], 1)
            self.assertEqual(first.wait(60), 0)
            self.assertIn(struct.pack(">I", 2), server.udp("ex.test", "SOA"))

    def test_one_zone_is_reloaded_and_its_mistakes_are_told(self):
        with Controlled({"ex.test": ZONE, "two.test": ZONE}) as server:
            server.write("ex.test", ZONE.replace("root 1 ", "root 2 ") + "new A 192.0.2.9\n")
            self.assertEqual(server.ndc("reload", "ex.test"), (0, "zone reload successful, serial 2\n"))
            self.assertEqual(answers(server.udp("new.ex.test")), 1)
            self.assertEqual(server.ndc("reload", "ex.test")[1], "zone reload up-to-date\n")
            server.write("ex.test", ZONE.replace("root 1 ", "root 3 ") + "bad A 192.0.2\n")
            code, text = server.ndc("reload", "ex.test")
            self.assertEqual(code, 1)
            self.assertIn("ex.test:7:", text)
            self.assertIn("not loaded because of errors", text)
            self.assertEqual(answers(server.udp("new.ex.test")), 1)
            self.assertIn("is not there", server.ndc("reload", "nowhere.test")[1])

    def test_zonestatus_status_and_notify(self):
        with Controlled({"ex.test": ZONE}) as server:
            code, text = server.ndc("zonestatus", "ex.test")
            self.assertEqual(code, 0)
            self.assertIn("type: primary\n", text)
            self.assertIn("serial: 1\n", text)
            server.udp("mail.ex.test")
            code, text = server.ndc("status")
            self.assertEqual(code, 0)
            self.assertIn("number of zones: 1 (0 without data)\n", text)
            self.assertIn("server is up and running\n", text)
            self.assertEqual(server.ndc("notify", "ex.test"), (0, "zone notify queued\n"))
            self.assertEqual(server.ndc("refresh", "ex.test")[0], 1)

    def test_a_verb_with_nothing_behind_it_says_so(self):
        with Controlled({"ex.test": ZONE}) as server:
            code, text = server.ndc("addzone", "x")
            self.assertEqual(code, 2)
            self.assertIn("named-lite does not have", text)
            self.assertEqual(server.ndc("relaod")[1], 'ndc: "relaod" is no command: do you mean reload?\n')

    def test_stop_ends_the_server(self):
        with Controlled({"ex.test": ZONE}) as server:
            code, text = server.ndc("stop", "-p")
            self.assertEqual((code, text), (0, f"pid: {server.process.pid}\n"))
            self.assertEqual(server.process.wait(10), 0)
            code, text = server.ndc("status")
            self.assertEqual(code, 1)
            self.assertIn("connect", text)


class Sockets(unittest.TestCase):
    def test_the_socket_is_for_its_owner_alone(self):
        with Controlled({"ex.test": ZONE}) as server:
            self.assertEqual(stat.S_IMODE(os.stat(server.path("ndc")).st_mode), 0o600)
        with Controlled({"ex.test": ZONE}, controls="controls { };") as server:
            self.assertEqual(server.ndc("status")[0], 1)

    def test_beside_the_pid_file_when_controls_says_nothing(self):
        with Controlled({"ex.test": ZONE}, controls="") as server:
            self.assertIn("no control socket", server.ndc("status")[1])
            server.extra = f'pid-file "{server.path("named.pid")}";'
            server.configure({"ex.test": ZONE})
            server.process.terminate()
            server.process.wait(10)
            server.start()
            self.assertTrue(stat.S_ISSOCK(os.stat(server.path("named.ndc")).st_mode))
            self.assertEqual(server.ndc("status")[0], 0)

    def test_under_the_name_ndc_and_with_the_socket_as_channel(self):
        with Controlled({"ex.test": ZONE}) as server:
            os.symlink(PROGRAM, server.path("rndc"))
            done = subprocess.run([server.path("rndc"), "-c", server.path("ndc"), "status"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0)
            self.assertIn("up and running", done.stdout)


class SecondaryZones(unittest.TestCase):
    def test_retransfer_takes_a_zone_whatever_its_serial(self):
        with Controlled({"ex.test": ZONE.replace("root 1 ", "root 5 ")}, "allow-transfer { any; };") as primary:
            zone = f'zone "ex.test" {{ type slave; file "copy"; masters port {primary.port} {{ 127.0.0.1; }}; }};\n'
            with Controlled({}, more=zone) as copy:
                wait_for(lambda: rcode(copy.udp("mail.ex.test")) == 0, 10, "the first transfer")
                self.assertIn("serial: 5\n", copy.ndc("zonestatus", "ex.test")[1])
                self.assertIn("expires: ", copy.ndc("zonestatus", "ex.test")[1])
                primary.write("ex.test", ZONE.replace("root 1 ", "root 3 "))
                self.assertEqual(primary.ndc("reload", "ex.test")[0], 0)
                self.assertEqual(copy.ndc("refresh", "ex.test"), (0, "zone refresh queued\n"))
                wait_for(lambda: "is higher than 3" in copy.logged(), 10, "the lower serial is named")
                self.assertEqual(copy.ndc("retransfer", "ex.test"), (0, "zone transfer queued\n"))
                wait_for(lambda: "serial: 3\n" in copy.ndc("zonestatus", "ex.test")[1], 10, "the zone is taken")


if __name__ == "__main__":
    unittest.main()
