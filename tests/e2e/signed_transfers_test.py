"""D22: transfers of a primary that signs some of its messages, or signs them wrong (RFC 8945 5.3.1)."""

import unittest

import dns_peers
from dns_peers import dig
from dns_wire import Tsig, mac_of
from fake_primary import NS, FakePrimary, a, notify, soa
from transfer_test import SECRET, Secondary
from umaya_instance import wait_for

MESSAGES = 350


class Signing(FakePrimary):
    """Signs the answer to SOA, and of a zone those messages of MESSAGES whose number it is told. change: number of one
    that is altered after it was signed for."""

    def __init__(self, serial):
        super().__init__(serial)
        self.signs, self.change, self.key = lambda number: True, None, "xfer"

    def answer(self, kind):
        if kind == "SOA":
            return super().answer(kind)
        middle = [[a(f"n{i}", i % 250)] for i in range(MESSAGES - 2)]
        return [[soa(self.serial), NS, a("ns1")], *middle, [soa(self.serial)]]

    def sealed(self, packet, kind, messages):
        mac = mac_of(packet)
        signer = Tsig(self.key, SECRET, mac or b"")
        for number, message in enumerate(messages, 1):
            end = len(message) - 1  # of the last address
            if kind == "SOA" or self.signs(number):
                message = signer.sign(message)
            else:
                signer.leave(message)
            if kind != "SOA" and number == self.change:
                message = message[:end] + bytes([message[end] ^ 1]) + message[end + 1:]
            yield message


class SignedTransfers(dns_peers.WithPeers):
    GOOD = {"all": lambda number: True,
            "the first, each 100th and the last": lambda number: number in (1, MESSAGES) or number % 100 == 0}
    BAD = {"the first alone": (lambda number: number == 1, "too many messages in a row are not signed"),
           "none": (lambda number: False, "the answer is not signed"),
           "all but the first": (lambda number: number > 1, "the answer is not signed"),
           "all but the last": (lambda number: number < MESSAGES, "the end is not signed"),
           "each 150th and the last": (lambda number: number in (1, MESSAGES) or number % 150 == 0,
                                       "too many messages in a row are not signed")}

    def test_D22_each_hundredth_message_must_be_signed_and_the_last(self):
        for title, signs in self.GOOD.items():
            with self.subTest(title), Signing(1) as primary, Secondary(primary.port, more="request-ixfr no;") as ours:
                primary.signs = signs
                ours.wait_serial(1)
                self.assertEqual(dig(ours.port, "n300.ex.test", "A", "+short").strip(), "192.0.2.50")

    def refused(self, change, why):
        """change: of the primary, before it says that there is something new."""
        with Signing(1) as primary, Secondary(primary.port, more="request-ixfr no;") as ours:
            ours.wait_serial(1)
            change(primary)
            primary.serial = 2
            self.assertEqual(notify(ours, signer=Tsig("xfer", SECRET)), 0)
            wait_for(lambda: why in ours.logged(), 20, f"{why}; log:\n{ours.logged()}")
            self.assertEqual(ours.serial(), 1, "the old zone stays")

    def test_D22_what_is_not_signed_as_it_must_be_is_not_taken(self):
        for title, (signs, why) in self.BAD.items():
            with self.subTest(title):
                self.refused(lambda primary, s=signs: setattr(primary, "signs", s), why)

    def test_D22_an_altered_message_is_found_by_the_next_signature(self):
        for number in (2, 99, 100, MESSAGES):
            def alter(primary, number=number):
                primary.signs, primary.change = self.GOOD["the first, each 100th and the last"], number

            with self.subTest(altered=number):
                self.refused(alter, "the signature is wrong")
        self.refused(lambda primary: setattr(primary, "key", "other"), "the answer is signed with another key")


if __name__ == "__main__":
    unittest.main()
