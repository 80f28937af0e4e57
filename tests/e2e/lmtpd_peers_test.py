"""Stock Postfix in front of lmtpd: virtual_transport = lmtp:… over a port and over a Unix socket.

Postfix is Debian's package, unpacked into the build folder. Needs root.
"""

import os
import smtplib
import time

import peer_stories
from lmtpd_test import LmtpInstance
from mail_peers import Network, Postfix, mail_zone
from umaya_instance import wait_for

THEIRS = "192.0.2.20"


def message(subject):
    return f"Subject: {subject}\r\n\r\nfirst\r\n.a dot\r\nlast\r\n".encode()


class FrontPostfix(Postfix):
    """Takes mail for v.test and passes it on by LMTP."""

    SERVICES = Postfix.SERVICES + "lmtp unix - - n - - lmtp\n"
    transport = ""

    def configure(self):
        super().configure()
        ours = {"virtual_transport": self.transport, "virtual_mailbox_maps": "", "minimal_backoff_time": "2s",
                "queue_run_delay": "2s", "maximal_backoff_time": "4s"}
        with open(f"{self.config}/main.cf") as f:
            kept = [line for line in f if line.split()[0] not in ours]
        with open(f"{self.config}/main.cf", "w") as f:
            f.writelines(kept + [f"{name} = {value}\n" for name, value in ours.items()])


def front(work, transport, story):
    network = Network(work)
    network.add_address(THEIRS)
    network.serve_names({"v.test": mail_zone("v.test", THEIRS)})
    mail = LmtpInstance(boxes=["ann", "ben", "cid"], main_cf={"mynetworks": f"127.0.0.0/8 {THEIRS}"})
    try:
        peer = FrontPostfix(work, THEIRS, "v.test", [])
        peer.transport = transport(mail)
        with peer:
            try:
                story(mail, peer)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{error}\n--- our log ---\n{mail.log()[-5000:]}\n--- their log ---\n{peer.log()}") from error
    finally:
        mail.close()
        network.close()


def wait_boxes(mail, box, count, seconds=40):
    wait_for(lambda: len(mail.box(box)) >= count, seconds, f"{box} has {count} messages")


def mixed_results(mail, peer):
    """Three mailboxes and an unknown user: each has its own result in Postfix's log; a burst comes whole."""
    peer.send("s@client.test", ["ann@v.test", "ben@v.test", "nobody@v.test", "cid@v.test"], message("mixed"))
    for box in ("ann", "ben", "cid"):
        wait_boxes(mail, box, 1)
        assert mail.box(box)[0].endswith(b"\nfirst\n.a dot\nlast\n")
    wait_for(lambda: "to=<nobody@v.test>" in full_log(peer), 30, "the unknown user has a result")
    wait_for(lambda: "status=sent (250 2.0.0 <ann@v.test> delivered to maildir)" in full_log(peer), 30, "ann has hers")
    log = full_log(peer)
    line = next(line for line in log.splitlines() if "to=<nobody@v.test>" in line)
    assert "status=bounced" in line and "550 5.1.1 <nobody@v.test>" in line, line
    with smtplib.SMTP(THEIRS, 25, local_hostname="client.test", timeout=60) as client:
        for i in range(50):
            client.sendmail("s@client.test", ["ann@v.test"], message(f"many {i}"))
    wait_boxes(mail, "ann", 51, 60)
    time.sleep(1)
    assert len(mail.box("ann")) == 51


def full_log(peer):
    with open(peer.log_path, errors="replace") as f:
        return f.read()


def lmtpd_away_and_back(mail, peer):
    """While our system is down Postfix keeps the mail; then it is delivered once."""
    mail.stop()
    peer.send("s@client.test", ["ann@v.test"], message("waits"))
    wait_for(lambda: "status=deferred" in full_log(peer), 30, "Postfix defers")
    mail.start(wait=False)
    wait_boxes(mail, "ann", 1, 60)
    time.sleep(3)
    assert len(mail.box("ann")) == 1


def over_a_port(mail):
    return f"lmtp:inet:127.0.0.1:{mail.lmtp_port}"


def over_a_socket(mail):
    path = mail.queue_path("public", "lmtpd")
    for parent in (mail.directory, mail.config, mail.queue_path(""), mail.queue_path("public")):
        assert os.stat(parent).st_mode & 0o001, parent
    return f"lmtp:unix:{path}"


STORIES = {
    "port": lambda work: front(work, over_a_port, mixed_results),
    "socket": lambda work: front(work, over_a_socket, mixed_results),
    "away": lambda work: front(work, over_a_port, lmtpd_away_and_back),
}


class LmtpPeers(peer_stories.Stories):
    script, packages = __file__, ["postfix"]

    def test_postfix_delivers_over_a_port(self):
        self.story("port")

    def test_postfix_delivers_over_a_socket(self):
        self.story("socket")

    def test_postfix_keeps_mail_while_we_are_away(self):
        self.story("away")


if __name__ == "__main__":
    peer_stories.main(STORIES, ["postfix"])
