"""Small mail beside one message with very many recipients."""

import socket
import time
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import Instance, wait_for

MEMBERS = 100_000


def submit(port, recipients):
    """One message to many recipients, pipelined."""
    with socket.create_connection(("127.0.0.1", port), 60) as s, s.makefile("rb") as replies:
        def expect(code):
            line = replies.readline()
            while line[3:4] == b"-":
                line = replies.readline()
            assert line.startswith(code), line

        expect(b"220")
        s.sendall(b"EHLO client.test\r\n")
        expect(b"250")
        s.sendall(b"MAIL FROM:<alice@example.test>\r\n")
        expect(b"250")
        for first in range(0, len(recipients), 500):
            group = recipients[first:first + 500]
            s.sendall("".join(f"RCPT TO:<{r}>\r\n" for r in group).encode())
            for _ in group:
                expect(b"250")
        s.sendall(b"DATA\r\n")
        expect(b"354")
        s.sendall(b"Subject: to all\r\n\r\nall of you\r\n.\r\nQUIT\r\n")
        expect(b"250")


class Fairness(unittest.TestCase):
    def test_small_mail_is_never_stuck_behind_a_list_of_100_000(self):
        arrived = {}
        with SmtpPeer() as peer:
            def take(address):
                if address.startswith("small"):
                    arrived[address] = time.monotonic()
                return "250 2.1.5 Ok"

            def pause():
                time.sleep(0.008)
                return "250 2.0.0 Ok"

            peer.reply_to_rcpt, peer.reply_to_data = take, pause
            settings = {"relayhost": f"[127.0.0.1]:{peer.port}", "smtpd_recipient_limit": str(MEMBERS + 1),
                        "default_destination_concurrency_limit": "2", "initial_destination_concurrency": "2"}
            with Instance(main_cf=settings) as mail:
                submit(mail.port, [f"member{i}@far.test" for i in range(MEMBERS)])
                wait_for(lambda: peer.recipients(), 20, "the list begins to arrive")
                waited = []
                # To the list's own destination, and past it to another one.
                for number, domain in enumerate(["far.test", "near.test"] * 5):
                    address, start = f"small{number}@{domain}", time.monotonic()
                    mail.send("bob@example.test", address, "Subject: small\n\nx\n")
                    wait_for(lambda a=address: a in arrived, 20, f"{address} arrives")
                    waited.append(arrived[address] - start)
                self.assertLess(len(peer.recipients()), MEMBERS, "the list must still be on its way")
                # The median: the machine may be busy with something else for a moment.
                self.assertLess(sorted(waited)[len(waited) // 2], 2, waited)
                wait_for(lambda: len(peer.recipients()) >= MEMBERS + 10, 120, "the list is delivered", 0.2)
                members = {r for r in peer.recipients() if r.startswith("member")}
                self.assertEqual(len(members), MEMBERS)
                self.assertEqual(len(peer.recipients()), MEMBERS + 10, "nobody gets it twice")


if __name__ == "__main__":
    unittest.main()
