"""Where mail goes next: MX order, aliases, definite and temporary answers of the name service, fallback relay, LMTP.

named-lite answers on a high port of the loopback; the hosts of its zone are loopback addresses, on one port. No root.
"""

import os
import socket
import subprocess
import tempfile
import time
import unittest

from smtp_peer import SmtpPeer
from umaya_instance import BUILD, Instance, delivery_status, free_port, wait_for

ZONE = """\
$TTL 60
@ IN SOA ns hostmaster 1 3600 900 604800 60
@ IN NS ns
ns IN A 127.0.0.1
live IN A 127.0.0.2
other IN A 127.0.0.3
dead IN A 127.0.0.9
ordered IN MX 20 live
ordered IN MX 10 dead
equal IN MX 10 live
equal IN MX 10 other
alias IN CNAME ordered
plain IN A 127.0.0.2
null IN MX 0 .
nodata IN TXT "no mail here"
lost IN MX 10 nowhere
"""


def free_port_on(hosts):
    """A port that is free on all of the hosts."""
    for _ in range(100):
        port = free_port()
        try:
            for host in hosts:
                socket.create_server((host, port)).close()
            return port
        except OSError:
            continue
    raise RuntimeError("no port is free on all of " + ", ".join(hosts))


class NameServer:
    def __init__(self, directory, zone=ZONE):
        self.port = free_port()
        self.directory = directory
        with open(f"{directory}/hop.zone", "w") as f:
            f.write(zone)
        with open(f"{directory}/named.conf", "w") as f:
            f.write(f'options {{ directory "{directory}"; listen-on port {self.port} {{ 127.0.0.1; }}; recursion no; }};\n'
                    'zone "hop.test" { type master; file "hop.zone"; };\n')
        with open(f"{directory}/resolv.conf", "w") as f:
            f.write(f"nameserver [127.0.0.1]:{self.port}\noptions timeout:1 attempts:1\n")
        os.chmod(directory, 0o755)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([os.path.join(BUILD, "libexec", "named-lite"), "-g", "-c",
                                         f"{self.directory}/named.conf"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(self.answers, 10, "named-lite answers")

    def answers(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.3)
            try:
                s.sendto(b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3hop\4test\0\0\6\0\1", ("127.0.0.1", self.port))
                return s.recv(512)[3] & 15 == 0
            except OSError:
                return False

    def stop(self):
        self.process.terminate()
        self.process.wait()


class NextHop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="umaya-names-")
        cls.names = NameServer(cls.directory.name)
        cls.port = free_port_on(["127.0.0.2", "127.0.0.3", "127.0.0.9"])
        cls.live = SmtpPeer(host="127.0.0.2", port=cls.port)
        cls.other = SmtpPeer(host="127.0.0.3", port=cls.port)
        cls.mail = Instance(users=["alice"], main_cf={
            "resolv_conf_file": f"{cls.directory.name}/resolv.conf", "smtp_tcp_port": cls.port, "inet_protocols": "ipv4",
            "minimal_backoff_time": "1s", "queue_run_delay": "1s"})

    @classmethod
    def tearDownClass(cls):
        cls.mail.close()
        cls.live.close()
        cls.other.close()
        cls.names.stop()
        cls.directory.cleanup()

    def setUp(self):
        self.live.messages.clear()
        self.other.messages.clear()

    def send(self, recipient, body="hi"):
        self.mail.send("alice@example.test", [recipient], f"Subject: {recipient}\n\n{body}\n")

    def arrives(self, recipient, peer=None):
        peer = peer or self.live
        wait_for(lambda: any(recipient in m["recipients"] for m in peer.messages), 15, f"{recipient} arrives")

    def bounce_for(self, recipient):
        def find():
            for message in self.mail.mail("alice"):
                if message.get_content_type() == "multipart/report" and recipient in message.as_string():
                    return message
            return None
        wait_for(find, 15, f"bounce for {recipient}")
        return delivery_status(find())[1][0]

    def test_b1_the_next_mx_takes_what_the_first_cannot(self):
        self.send("a@ordered.hop.test")
        self.arrives("a@ordered.hop.test")
        self.mail.wait_log(r"connect to dead\.hop\.test\[127\.0\.0\.9\]:\d+: Connection refused")

    def test_b1_an_alias_leads_to_the_mx_of_its_target(self):
        self.send("a@alias.hop.test")
        self.arrives("a@alias.hop.test")

    def test_b1_without_mx_the_address_of_the_domain_counts(self):
        self.send("a@plain.hop.test")
        self.arrives("a@plain.hop.test")

    def test_b1_hosts_of_equal_preference_share_the_mail(self):
        for i in range(12):
            self.send(f"a{i}@equal.hop.test")
            time.sleep(0.01)
        wait_for(lambda: len(self.live.messages) + len(self.other.messages) == 12, 15, "all arrive")

    def test_b3_brackets_name_the_host_itself(self):
        self.send("a@[127.0.0.3]")
        self.arrives("a@[127.0.0.3]", self.other)

    def test_f6_what_does_not_exist_bounces(self):
        for recipient, status in (("a@missing.hop.test", "5.4.4"), ("a@nodata.hop.test", "5.4.4"),
                                  ("a@null.hop.test", "5.1.0"), ("a@lost.hop.test", "5.4.4")):
            self.send(recipient)
            report = self.bounce_for(recipient)
            self.assertEqual(report["Status"], status, report)

    def test_f6_what_could_not_be_asked_waits(self):
        self.send("a@elsewhere.test")
        self.mail.wait_log(r"to=<a@elsewhere\.test>, relay=none, .* dsn=4\.4\.3, status=deferred")
        self.names.stop()
        try:
            self.send("b@ordered.hop.test.")
            self.send("c@late.hop.test")
            self.mail.wait_log(r"to=<c@late\.hop\.test>, .* status=deferred", 20)
        finally:
            self.names.start()
        self.bounce_for("c@late.hop.test")

    def test_a_connection_takes_several_messages(self):
        before = self.live.sessions
        for i in range(20):
            self.send(f"r{i}@plain.hop.test")
        wait_for(lambda: len(self.live.messages) >= 20, 15, "all arrive")
        self.assertLess(self.live.sessions - before, 15)
        self.mail.wait_log(r"conn_use=\d+")


class OtherPeers(unittest.TestCase):
    def test_b3_the_fallback_relay_takes_what_has_no_host(self):
        with tempfile.TemporaryDirectory() as directory:
            names = NameServer(directory)
            peer = SmtpPeer()
            with Instance(users=["alice"], main_cf={"resolv_conf_file": f"{directory}/resolv.conf",
                                                    "smtp_fallback_relay": f"[127.0.0.1]:{peer.port}"}) as mail:
                mail.send("alice@example.test", ["a@missing.hop.test"], "Subject: x\n\nhi\n")
                wait_for(lambda: peer.messages, 15, "the relay has it")
            names.stop()
            peer.close()

    def test_eight_bit_text_is_quoted_for_a_server_without_8bitmime(self):
        peer = SmtpPeer(extensions=("PIPELINING",))
        with Instance(users=["alice"], main_cf={"relayhost": f"[127.0.0.1]:{peer.port}"}) as mail:
            text = ("Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: 8bit\r\n\r\nb\u00fccher\r\n").encode()
            mail.send("alice@example.test", ["a@far.test"], text, mail_options=["BODY=8BITMIME"])
            wait_for(lambda: peer.messages, 15, "the message")
            data = peer.messages[0]["data"]
            data = data if isinstance(data, bytes) else data.encode()
            self.assertIn(b"b=C3=BCcher", data)
            self.assertIn(b"quoted-printable", data)
        peer.close()


if __name__ == "__main__":
    unittest.main()
