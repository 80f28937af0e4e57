"""Mail to and from other servers: Postfix, Exim, OpenSMTPD, and a second Umaya, with named-lite as everybody's DNS.

Each story runs in namespaces of its own (port 25, private /etc/resolv.conf). The servers are Debian's packages, unpacked
into the build folder; nothing is installed. Needs root.
"""

import os
import smtplib
import time

import mail_peers
import peer_stories
from mail_peers import Exim, Network, OpenSmtpd, Postfix, mail_zone, reverse_zone
from umaya_instance import Instance, delivery_status, parse, wait_for

OURS, THEIRS = "192.0.2.10", "192.0.2.20"
TEXT = ("Subject: {subject}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nfirst\r\n.a dot\r\n..two dots\r\n.\r\nb\u00fccher\r\n" + "x" * 900 + "\r\nlast\r\n")


def text(subject):
    return TEXT.format(subject=subject).encode()


def body_of(raw):
    raw = raw.replace(b"\r\n", b"\n")
    return raw.split(b"\n\n", 1)[1].rstrip(b"\n")


EXPECTED = body_of(text("x"))


def umaya(work, address, domain, users, host="mail", **settings):
    """A system that listens on port 25 of an address of its own."""
    directory = os.path.join(work, "umaya-" + domain)
    os.mkdir(directory)
    instance = Instance(users=users, domain=domain, directory=directory, start=False, main_cf={
        "myhostname": f"{host}.{domain}", "inet_interfaces": address, "smtp_bind_address": address,
        "inet_protocols": "ipv4", "mynetworks": "192.0.2.0/24 127.0.0.0/8", "smtp_tcp_port": "25",
        "minimal_backoff_time": "2s", "queue_run_delay": "2s", **settings})
    master = instance.read("master.cf").splitlines()
    lines = [line for line in master if "inet" not in line.split()[1:2]]
    instance.write("master.cf", "\n".join([f"{address}:25 inet n - n - - smtpd", *lines]) + "\n")
    instance.start(wait=False)
    wait_for(lambda: mail_peers.greets(address), 20, "umaya greets on port 25")
    return instance


def send(address, sender, recipients, message, **options):
    with smtplib.SMTP(address, 25, local_hostname="client.test", timeout=60) as client:
        client.sendmail(sender, recipients, message, mail_options=["BODY=8BITMIME"], **options)


def exchange(work, kind):
    """One message each way, twenty more at once, and an unknown recipient each way."""
    network = Network(work)
    network.add_address(OURS)
    network.add_address(THEIRS)
    network.serve_names({"umaya.test": mail_zone("umaya.test", OURS), "peer.test": mail_zone("peer.test", THEIRS),
                         "2.0.192.in-addr.arpa": reverse_zone({10: "mail.umaya.test", 20: "mail.peer.test"})})
    ours = umaya(work, OURS, "umaya.test", ["alice"])
    try:
        with kind(work, THEIRS, "peer.test", ["bob"]) as peer:
            try:
                to_peer(ours, peer)
                from_peer(ours, peer)
            except (AssertionError, TimeoutError) as error:
                raise AssertionError(f"{error}\n--- our log ---\n{ours.log()[-5000:]}\n--- their log ---\n{peer.log()}") from error
    finally:
        ours.close()
        network.close()


def to_peer(ours, peer):
    send(OURS, "alice@umaya.test", ["bob@peer.test"], text("to peer"))
    raw = peer.wait_mail("bob")[0]
    assert body_of(raw) == EXPECTED, raw
    assert b"mail.umaya.test" in raw.split(b"\n\n")[0], raw
    for i in range(20):
        send(OURS, "alice@umaya.test", ["bob@peer.test"], text(f"many {i}"))
    assert len(peer.wait_mail("bob", 21)) == 21
    send(OURS, "alice@umaya.test", ["nobody@peer.test"], text("to nobody"))
    bounce = ours.wait_mail("alice", 1, seconds=30)[0]
    assert bounce.get_content_type() == "multipart/report", bounce.as_string()
    assert "nobody@peer.test" in bounce.as_string()
    ours.wait_empty(30)
    success_is_reported_once(ours)


def success_is_reported_once(ours):
    """RFC 3461: by the peer when it knows DSN, else by us ("relayed")."""
    send(OURS, "alice@umaya.test", ["bob@peer.test"], text("with a receipt"), rcpt_options=["NOTIFY=SUCCESS"])
    report = ours.wait_mail("alice", 2, seconds=30)[1]
    _, recipients = delivery_status(report)
    assert recipients[0]["Action"].lower() in ("relayed", "delivered"), report.as_string()
    ours.wait_empty(30)
    time.sleep(0.5)
    assert len(ours.mail("alice")) == 2, ours.mail("alice")[2].as_string()


def from_peer(ours, peer):
    peer.send("bob@peer.test", ["alice@umaya.test"], text("from peer"))
    message = ours.wait_mail("alice", 3, seconds=30)[2]
    raw = ours.raw_mail("alice")[2]
    assert message["Subject"] == "from peer", raw
    assert body_of(raw) == EXPECTED, raw
    for i in range(20):
        peer.send("bob@peer.test", ["alice@umaya.test"], text(f"many {i}"))
    assert len(ours.wait_mail("alice", 23, seconds=60)) == 23
    peer.send("bob@peer.test", ["nobody@umaya.test"], text("to nobody"))
    bounces = [parse(raw) for raw in peer.wait_mail("bob", 23, seconds=60)]
    assert any("nobody@umaya.test" in b.as_string() for b in bounces)


def two_labs(work):
    """K2: two laboratories, each its own mail server, one name service."""
    labs = {"s5": ("pc5", OURS, "k.mizo"), "s12": ("pc12", THEIRS, "s.shio")}
    network = Network(work)
    zones, systems = {}, {}
    for lab, (host, address, _) in labs.items():
        network.add_address(address)
        domain = f"{lab}.t3.metro-cit.ac.jp"
        zones[domain] = mail_zone(domain, address, host, f"smtp IN CNAME {host}\npop IN CNAME {host}\n")
    network.serve_names(zones)
    try:
        for lab, (host, address, user) in labs.items():
            systems[lab] = umaya(work, address, f"{lab}.t3.metro-cit.ac.jp", [user], host=host,
                                 home_mailbox="Maildir/", myorigin="$mydomain", mydomain=f"{lab}.t3.metro-cit.ac.jp")
        send(OURS, "k.mizo@s5.t3.metro-cit.ac.jp", ["s.shio@s12.t3.metro-cit.ac.jp"], text("hello"))
        there = systems["s12"].wait_mail("s.shio")[0]
        assert there["Subject"] == "hello"
        send(THEIRS, "s.shio@s12.t3.metro-cit.ac.jp", ["k.mizo@s5.t3.metro-cit.ac.jp"], text("Re: hello"))
        back = systems["s5"].wait_mail("k.mizo")[0]
        assert back["Subject"] == "Re: hello"
        assert body_of(systems["s5"].raw_mail("k.mizo")[0]) == EXPECTED
        send(OURS, "k.mizo@s5.t3.metro-cit.ac.jp", ["x@nowhere.t3.metro-cit.ac.jp"], text("lost"))
        systems["s5"].wait_log(r"to=<x@nowhere\.t3\.metro-cit\.ac\.jp>.*status=(bounced|deferred)", 30)
    finally:
        for system in systems.values():
            system.close()
        network.close()


def best_mx(work):
    """The name service calls us the mail exchanger of a domain that we do not know."""
    network = Network(work)
    network.add_address(OURS)
    network.serve_names({"umaya.test": mail_zone("umaya.test", OURS), "hosted.test": mail_zone("hosted.test", OURS)})
    ours = umaya(work, OURS, "umaya.test", ["alice", "bob"], best_mx_transport="local")
    try:
        send(OURS, "bob@umaya.test", ["alice@hosted.test", "nobody@hosted.test"], text("for the hosted domain"))
        assert ours.wait_mail("alice")[0]["Delivered-To"] == "alice@hosted.test"
        ours.wait_log(r"local\[\d+\]: [0-9A-F]+: to=<alice@hosted\.test>, relay=local, .*status=sent")
        _, recipients = delivery_status(ours.wait_mail("bob")[0])
        assert [(r["Final-Recipient"], r["Status"]) for r in recipients] == [("rfc822; nobody@hosted.test", "5.1.1")]
        ours.wait_empty(30)
        ours.set(best_mx_transport="")
        ours.reload()
        send(OURS, "bob@umaya.test", ["alice@hosted.test"], text("to nobody's domain"))
        _, recipients = delivery_status(ours.wait_mail("bob", 2)[1])
        assert recipients[0]["Status"] == "5.4.6", recipients[0].as_string()
        assert len(ours.raw_mail("alice")) == 1
    finally:
        ours.close()
        network.close()


STORIES = {"postfix": lambda work: exchange(work, Postfix), "exim": lambda work: exchange(work, Exim),
           "opensmtpd": lambda work: exchange(work, OpenSmtpd), "two-labs": two_labs, "best-mx": best_mx}


class Peers(peer_stories.Stories):
    script = __file__

    def test_postfix_exchanges_mail_with_us(self):
        self.story("postfix")

    def test_exim_exchanges_mail_with_us(self):
        self.story("exim")

    def test_opensmtpd_exchanges_mail_with_us(self):
        self.story("opensmtpd")

    def test_k2_two_labs_exchange_mail(self):
        self.story("two-labs")

    def test_best_mx_transport_takes_mail_for_a_domain_that_names_us(self):
        self.story("best-mx")


if __name__ == "__main__":
    peer_stories.main(STORIES)
