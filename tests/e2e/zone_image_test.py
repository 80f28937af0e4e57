"""Large zones of named-lite: a restart takes the image that was kept, and a changed file is read anew."""

import glob
import os
import time
import unittest

from names_test import NameServer, answers, rcode
from umaya_instance import wait_for

RECORDS = 30000


def zone(serial, last="192.0.2.1"):
    head = f"$TTL 60\n@ SOA ns root {serial} 3600 900 604800 60\n@ NS ns\nns A 192.0.2.1\nlast A {last}\n"
    return head + "".join(f"h{i} A 10.0.{i >> 8 & 255}.{i & 255}\n" for i in range(RECORDS))


class KeptImages(unittest.TestCase):
    def kept(self, server):
        return glob.glob(os.path.join(server.directory.name, "*.nlz"))

    def restart(self, server):
        server.process.terminate()
        server.process.wait(10)
        server.start()
        wait_for(lambda: "loaded serial" in server.logged(), 20, "the zone is loaded")
        return server.logged().rsplit("loaded serial", 1)[1].splitlines()[0]

    def assert_answers(self, server, *names):
        for name in names:
            answer = server.udp(f"{name}.big.test")
            self.assertEqual((rcode(answer), answers(answer)), (0, 1), name)

    def test_a_restart_takes_the_image_until_the_file_changes(self):
        with NameServer({}) as server:
            server.write("big.test", zone(1))
            time.sleep(0.1)
            server.configure({"big.test": None})
            self.assertNotIn("unchanged", self.restart(server))
            self.assertEqual(len(self.kept(server)), 1)
            self.assertIn("unchanged", self.restart(server))
            self.assert_answers(server, "h0", f"h{RECORDS - 1}", "last")
            server.write("big.test", zone(2) + "more A 192.0.2.2\n")
            time.sleep(0.1)
            line = self.restart(server)
            self.assertNotIn("unchanged", line)
            self.assertIn(" 2 ", line)
            self.assert_answers(server, "more")
            self.assertIn("unchanged", self.restart(server))
            self.assert_answers(server, "more", "h17")

    def test_a_damaged_or_missing_image_only_costs_time(self):
        with NameServer({}) as server:
            server.write("big.test", zone(1))
            time.sleep(0.1)
            server.configure({"big.test": None})
            self.restart(server)
            path = self.kept(server)[0]
            with open(path, "r+b") as f:
                f.seek(os.path.getsize(path) // 2)
                f.write(b"damaged")
            self.assertNotIn("unchanged", self.restart(server))
            self.assert_answers(server, "h5")
            os.remove(self.kept(server)[0])
            self.assertNotIn("unchanged", self.restart(server))
            self.assert_answers(server, "h5")
            os.truncate(self.kept(server)[0], 5000)
            self.assertNotIn("unchanged", self.restart(server))
            self.assert_answers(server, "h5")

    def test_a_saved_secondary_zone_is_read_as_text_once_until_it_is_transferred_anew(self):
        with NameServer({"big.test": zone(1)}, "allow-transfer { any; };") as primary:
            conf = f'zone "big.test" {{ type slave; file "copy"; masters port {primary.port} {{ 127.0.0.1; }}; }};\n'
            with NameServer({}) as copy:
                with open(copy.path("named.conf"), "a") as f:
                    f.write(conf)
                self.restart_copy(copy)
                wait_for(lambda: rcode(copy.udp("h5.big.test")) == 0, 20, "the transfer")
                time.sleep(0.2)
                self.assertNotIn("unchanged", self.restart_copy(copy, "saved serial 1"))
                self.assertIn("unchanged", self.restart_copy(copy, "saved serial 1"))
                os.utime(copy.path("copy"))  # as a primary's confirmation does
                self.assertIn("unchanged", self.restart_copy(copy, "saved serial 1"))
                self.assert_answers(copy, "h0", "last")
                with open(copy.path("copy")) as f:
                    text = f.read()
                copy.process.terminate()
                copy.process.wait(10)
                copy.write("other", text.replace("192.0.2.1", "192.0.2.7"))
                os.rename(copy.path("other"), copy.path("copy"))
                time.sleep(0.2)
                copy.start()
                wait_for(lambda: "saved serial 1" in copy.logged(), 20)
                self.assertNotIn("unchanged", copy.logged())
                self.assertEqual(copy.udp("last.big.test")[-4:], bytes((192, 0, 2, 7)))

    def restart_copy(self, server, sign=""):
        server.process.terminate()
        server.process.wait(10)
        server.start()
        wait_for(lambda: sign in server.logged(), 20, sign)
        return next((line for line in server.logged().splitlines() if sign in line), "")


if __name__ == "__main__":
    unittest.main()
