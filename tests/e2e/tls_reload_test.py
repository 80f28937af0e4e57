"""Reloads of tlsmgr: certificates change, handshakes under way and sessions do not suffer."""

import os
import signal
import threading

from tls_folder import Folder, Instance
from tls_peer import Client, presented
from umaya_instance import wait_for


class Reload(Folder):
    def test_a_reload_takes_another_certificate(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": self.ca.issue("one.test")}) as mail:
            self.assertEqual(presented(mail.port), "one.test")
            with Client(mail.port) as old:
                mail.set(smtpd_tls_chain_files=self.ca.issue("two.test"))
                mail.reload()
                wait_for(lambda: presented(mail.port) == "two.test", 15, "certificate two.test", pause=0.3)
                self.assertEqual(old.command("NOOP")[0][:3], "250")

    def test_no_handshake_fails_at_reloads_with_other_certificates(self):
        chains = {name: self.ca.issue(name) for name in ("one.test", "two.test", "three.test")}
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chains["one.test"]}) as mail:
            self.assertEqual(presented(mail.port), "one.test")
            manager = [pid for pid, name in mail.daemons().items() if name == "tlsmgr"]
            over, seen, failed = threading.Event(), set(), []

            def shake_hands():
                while not over.is_set():
                    try:
                        seen.add(presented(mail.port))
                    except Exception as error:
                        failed.append(error)

            clients = [threading.Thread(target=shake_hands) for _ in range(3)]
            for client in clients:
                client.start()
            try:
                for name in ("two.test", "three.test", "one.test") * 4:
                    mail.set(smtpd_tls_chain_files=chains[name])
                    mail.reload()
                    wait_for(lambda: presented(mail.port) == name, 15, f"certificate {name}")
            finally:
                over.set()
                for client in clients:
                    client.join()
            self.assertEqual(failed, [], mail.log())
            self.assertEqual(seen, set(chains))
            self.assertEqual([pid for pid, name in mail.daemons().items() if name == "tlsmgr"], manager)

    def test_a_session_before_a_reload_has_the_certificate_of_then(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": self.ca.issue("one.test")}) as mail:
            with Client(mail.port, plain=True) as old:
                self.assertIn("250-STARTTLS", old.command("EHLO client.test"))
                mail.set(smtpd_tls_chain_files=self.ca.issue("two.test"))
                mail.reload()
                wait_for(lambda: presented(mail.port) == "two.test", 15, "certificate two.test", pause=0.3)
                self.assertEqual(old.command("STARTTLS")[0][:3], "220")
                old.secure()
                self.assertEqual(old.certificate_name(), "one.test")

    def test_a_reload_that_takes_the_certificate_away_makes_a_self_signed_one(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": self.ca.issue("one.test")}) as mail:
            self.assertEqual(presented(mail.port), "one.test")
            mail.set(smtpd_tls_chain_files="")
            mail.reload()

            def is_another():
                try:
                    return presented(mail.port) != "one.test"
                except (OSError, AssertionError):
                    return False
            wait_for(is_another, 15, "another certificate is in use", pause=0.3)
            self.assertIn("made a self-signed certificate", mail.log())

    def test_a_main_cf_that_cannot_be_read_leaves_certificates_in_use(self):
        with Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": self.ca.issue("one.test")}) as mail:
            self.assertEqual(presented(mail.port), "one.test")
            manager = next(pid for pid, name in mail.daemons().items() if name == "tlsmgr")
            good = mail.read("main.cf")
            mail.write("main.cf", good + "no assignment\n")
            os.kill(manager, signal.SIGHUP)
            wait_for(lambda: "the certificates configured before stay in use" in mail.log(), 10, "a line of the log")
            self.assertEqual(presented(mail.port), "one.test")
            mail.write("main.cf", good)  # what cannot be read cannot be stopped
