"""A zone that is changed in place many thousand times: it is written anew beside that, and nothing waits for it.

UMAYA_LARGE=1 takes a million records and 100,000 updates."""

import os
import random
import socket
import struct
import threading
import time
import unittest

from names_test import NameServer, rcode
from umaya_instance import PATIENCE, wait_for

FULL = os.environ.get("UMAYA_LARGE") == "1"
RECORDS, UPDATES = (1000000, 100000) if FULL else (60000, 6000)


def wire(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def update(number, owner, octets):
    """Puts one address in the place of all that the name has."""
    name = wire(owner)
    return (struct.pack(">HHHHHH", number, 5 << 11, 1, 0, 2, 0) + wire("big.test") + struct.pack(">HH", 6, 1) +
            name + struct.pack(">HHIH", 1, 255, 0, 0) + name + struct.pack(">HHIH", 1, 1, 60, 4) + bytes(octets))


class Dynamic(NameServer):
    """named-lite with one zone that everybody may update, the log of which can be long."""

    def __init__(self, zones, transfer=""):
        self.transfer = transfer
        super().__init__(zones)

    def configure(self, zones):
        super().configure(zones)
        with open(self.path("named.conf")) as f:
            text = f.read()
        self.write("named.conf", text.replace('file "big.test";', 'file "big.test"; notify no; allow-update { any; }; ' + self.transfer))


class Updater:
    """Sends updates over UDP, many at once, and remembers what the zone must have."""

    def __init__(self, server):
        self.server, self.expected, self.acknowledged, self.sent_again = server, {}, 0, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", server.port))
        self.socket.settimeout(2)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def run(self, count, at_once=200):
        """What is lost on the way is sent again, as every client does."""
        pick = random.Random(count)
        waiting, number = {}, 0
        while number < count or waiting:
            while number < count and len(waiting) < at_once:
                owner = f"h{pick.randrange(RECORDS):06d}.big.test"
                if owner in self.expected and any(owner == each[0] for each in waiting.values()):
                    continue
                self.expected[owner] = (172, 16, number >> 8 & 255, number & 255)
                packet = update(number & 0xFFFF, owner, self.expected[owner])
                waiting[number & 0xFFFF] = (owner, packet, time.monotonic())
                self.socket.send(packet)
                number += 1
            try:
                answer = self.socket.recv(4096)
                if rcode(answer) != 0:
                    raise AssertionError(f"an update was answered with code {rcode(answer)}")
                self.acknowledged += waiting.pop(struct.unpack(">H", answer[:2])[0], None) is not None
            except TimeoutError:
                pass
            first = next(iter(waiting), None)
            if first is not None and time.monotonic() - waiting[first][2] > 2 * PATIENCE:
                owner, packet, _ = waiting.pop(first)
                waiting[first] = (owner, packet, time.monotonic())
                self.sent_again += 1
                self.socket.send(packet)


class Listener:
    """Asks the zone process something small again and again: how long was the longest time without an answer?"""

    def __init__(self, server):
        self.server, self.longest, self.times, self.stopping = server, 0.0, [], False
        self.thread = threading.Thread(target=self.run)

    def run(self):
        notify = struct.pack(">HHHHHH", 7, 4 << 11, 1, 0, 0, 0) + wire("nobody.test") + struct.pack(">HH", 6, 1)
        while not self.stopping:
            began = time.monotonic()
            self.server.udp_packet(notify, timeout=30 * PATIENCE)
            self.times.append(time.monotonic() - began)
            time.sleep(0.002)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.stopping = True
        self.thread.join()
        self.times.sort()


class Follower(NameServer):
    """A secondary of it."""

    def __init__(self, port):
        self.primary = port
        super().__init__({})

    def configure(self, zones):
        super().configure({})
        with open(self.path("named.conf"), "a") as f:
            f.write(f'zone "big.test" {{ type secondary; primaries port {self.primary} {{ 127.0.0.1; }}; file "copy"; }};\n')

    def serial(self):
        answer = self.udp("big.test", "SOA")
        return struct.unpack(">I", answer[-20:-16])[0] if rcode(answer) == 0 else None


class LargeZone(unittest.TestCase):
    def test_a_secondary_that_takes_many_increments_writes_it_anew_beside_them(self):
        zone = "$TTL 60\n@ SOA ns root 1 3600 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
        zone += "".join(f"h{i:06d} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n" for i in range(60000))
        with Dynamic({"big.test": zone}, transfer="allow-transfer { any; };") as server, Follower(server.port) as follower:
            wait_for(lambda: follower.serial() == 1, 20, "the zone is there")
            notify = struct.pack(">HHHHHH", 7, 4 << 11, 1, 0, 0, 0) + wire("big.test") + struct.pack(">HH", 6, 1)
            with Updater(server) as updater:
                for part in range(1, 11):
                    updater.run(600 + part)
                    follower.udp_packet(notify)
                    newest = struct.unpack(">I", server.udp("big.test", "SOA")[-20:-16])[0]
                    wait_for(lambda n=newest: follower.serial() == n, 20, f"serial {newest}: {follower.logged()[-2000:]}")
                wait_for(lambda: "written anew" in follower.logged(), 30, "it is written anew")
                self.assertNotIn("not written anew", follower.logged())
                self.assertNotIn("the whole zone is asked for", follower.logged())
                for owner in random.Random(1).sample(sorted(updater.expected), 500):
                    self.assertEqual(follower.udp(owner)[-4:], bytes(updater.expected[owner]), owner)

    def test_a_zone_that_changes_for_ever_is_written_anew_beside_it(self):
        zone = "$TTL 60\n@ SOA ns root 1 3600 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
        zone += "".join(f"h{i:06d} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}\n" for i in range(RECORDS))
        with Dynamic({"big.test": zone}) as server, Updater(server) as updater:
            process = server.role("zone")
            began = time.monotonic()
            with Listener(server) as listener:
                updater.run(UPDATES)
            took = time.monotonic() - began
            self.assertEqual(updater.acknowledged, UPDATES)
            wait_for(lambda: "written anew" in server.logged(), 30)
            self.assertNotIn("not written anew", server.logged())
            self.assertNotIn("updates failed", server.logged())
            if FULL:
                print(f"\n{UPDATES} updates of {RECORDS} records in {took:.1f} s, written anew "
                      f"{server.logged().count('written anew')} times, {updater.sent_again} sent again; an answer of the zone process took "
                      f"{listener.times[len(listener.times) // 2] * 1000:.2f} ms, 99 % "
                      f"{listener.times[len(listener.times) * 99 // 100] * 1000:.1f} ms, at most "
                      f"{listener.times[-1] * 1000:.0f} ms")
            self.assertLess(listener.times[-1], 2 * PATIENCE)
            for owner in random.Random(1).sample(sorted(updater.expected), 500):
                self.assertEqual(server.udp(owner)[-4:], bytes(updater.expected[owner]), owner)
            self.assertEqual(server.role("zone"), process)


if __name__ == "__main__":
    unittest.main()
