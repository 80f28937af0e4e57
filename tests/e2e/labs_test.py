"""Two set-ups of teaching labs as wholes (mission K1, K2): names, mail, mailboxes and mail programs together.

Each plays in a sandbox with the labs' own addresses and the real ports 53, 25, 110 and 995: named-lite serves the zones,
users are accounts of the system with passwords in shadow(5), mail goes in by SMTP and by sendmail, and every user takes
his mail away with fetchmail, by the names that the zone has.
"""

import contextlib
import os
import pwd
import subprocess

import dns_network
import peer_stories
from dns_peers import sandbox
from umaya_instance import BUILD, Instance, wait_for

PACKAGES = ["fetchmail", "curl"]
PASSWORD = "umaya"
FIRST_UID = 19100


def add_system_users(work, users):
    """Accounts with homes and passwords, for all hosts of the story."""
    work = f"{work}/system"
    os.makedirs(work)
    rows = [(user, FIRST_UID + i, FIRST_UID + i, f"{work}/home/{user}") for i, user in enumerate(users)]
    sandbox.add_accounts(work, rows, [(user, number) for user, number, _, _ in rows])
    for _, uid, gid, home in rows:
        os.makedirs(home)
        os.chown(home, uid, gid)
    crypted = subprocess.run(["openssl", "passwd", "-6", PASSWORD], check=True, capture_output=True, text=True).stdout.strip()
    shadow = f"{work}/shadow"
    with open("/etc/shadow") as old, open(shadow, "w") as new:
        new.write(old.read() + "".join(f"{user}:{crypted}:19000:0:99999:7:::\n" for user in users))
    os.chmod(shadow, 0o600)
    sandbox.bind(shadow, "/etc/shadow")


class LabServer(Instance):
    """The mail system of a lab, set up as its document says: ports 25, 110 and 995 of all addresses of the host."""

    def __init__(self, host, work, main_cf, aliases):
        self.host = host
        directory = f"{work}/{host.name}"
        os.makedirs(directory)
        super().__init__(users=[], directory=directory, start=False, aliases=aliases)
        self.edit_master("smtp inet n - n - - smtpd\npop3 inet n - n - - pop3d\n"
                         "pop3s inet n - n - - pop3d\n  -o pop3_tls_wrappermode=yes\n", without=(f"127.0.0.1:{self.port}",))
        self.set(passwd_file="", auth_sources="system", auth_pam_service="", inet_interfaces="all",
                 pop3_disable_plaintext_auth="no", **main_cf)
        self.start(wait=False)  # whoever connects from another host waits

    def tool(self, name, *arguments, **options):
        if name == "umaya" and "start" in arguments:
            return self.host.run(os.path.join(BUILD, "bin", name), *arguments)
        return super().tool(name, *arguments, **options)

    def __exit__(self, kind, *unused):
        if kind:
            print(f"--- mail system of {self.host.name} ---\n{self.log()[-6000:]}")
        self.close()

    def take_mail(self, command, server, user, ways, count=1):
        """What the user's fetchmail brings, as one text; it asks again until that many messages have come."""
        got = self.path(f"got.{user}")
        port = 995 if "ssl" in ways.split() else 110  # by number: a small system has no /etc/services
        self.write("fetchmailrc", f'poll {server} protocol pop3 service {port} user "{user}" password "{PASSWORD}" {ways} '
                                  f'no sslcertck mda "cat >> {got}; echo >> {got}"\n')
        os.chmod(self.path("fetchmailrc"), 0o600)

        def fetch():
            done = subprocess.run([*command, "/usr/bin/fetchmail", "-f", self.path("fetchmailrc"),
                                   "--nodetach", "--nosyslog", "--pidfile", self.path("fetchmail.pid")], text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            assert done.returncode in (0, 1), done.stdout  # 1: no mail yet
            text = self.read(f"got.{user}") if os.path.exists(got) else ""
            return text if text.count("\nSubject: ") >= count else None

        try:
            return wait_for(fetch, 20, f"{count} messages for {user}", 0.2)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()[-6000:]}") from error


def check(condition, what):
    if not condition:
        raise AssertionError(what)


# K1: a server, a client, four users and their list

K1_DOMAIN = "c5.exp.info.kochi-tech.ac.jp"
K1_SERVER, K1_CLIENT = "192.168.0.161", "192.168.0.162"
K1_USERS = ["k.mizo", "s.shio", "k.kikk", "k.fuku"]
K1_CONF = """options {
        directory "$DIR";
        listen-on { 192.168.0.161; };
        allow-query { any; };
        recursion no;
};
zone "c5.exp.info.kochi-tech.ac.jp" {
        type master;
        file "c5.zone";
};
zone "0.168.192.in-addr.arpa" {
        type master;
        file "192.168.0.zone";
};
"""
K1_ZONE = """$TTL 100
@       IN SOA  server.c5.exp.info.kochi-tech.ac.jp. root.server.c5.exp.info.kochi-tech.ac.jp. (
                2005061501 100 100 100 100 )
        IN NS   server
        IN MX   10 server
server  IN A    192.168.0.161
www     IN CNAME server
smtp    IN CNAME server
pop     IN CNAME server
client  IN A    192.168.0.162
"""
K1_REVERSE = """$TTL 100
@       IN SOA  server.c5.exp.info.kochi-tech.ac.jp. root.server.c5.exp.info.kochi-tech.ac.jp. (
                2005061501 100 100 100 100 )
        IN NS   server.c5.exp.info.kochi-tech.ac.jp.
161     IN PTR  server.c5.exp.info.kochi-tech.ac.jp.
162     IN PTR  client.c5.exp.info.kochi-tech.ac.jp.
"""
K1_MAIN = {
    "myhostname": f"server.{K1_DOMAIN}", "mydomain": K1_DOMAIN, "myorigin": "$mydomain",
    "mydestination": "$myhostname, localhost.$mydomain, localhost, $mydomain",
    "mynetworks": "192.168.0.0/24, 127.0.0.0/8", "home_mailbox": "Maildir/",
}


def teaching_lab(work):
    with dns_network.Network() as net:
        server, client = net.host("server"), net.host("client")
        net.link(server, f"{K1_SERVER}/24", client, f"{K1_CLIENT}/24")
        write_resolver(work, K1_SERVER)
        add_system_users(work, K1_USERS)
        net.named(server, K1_CONF, {"c5.zone": K1_ZONE, "192.168.0.zone": K1_REVERSE})
        check(client.short(K1_SERVER, K1_DOMAIN, "MX") == [f"10 server.{K1_DOMAIN}."], "the MX of the lab")
        check(K1_SERVER in client.short(K1_SERVER, f"pop.{K1_DOMAIN}", "A"), "the name pop")
        aliases = f"postmaster: root\nroot: k.mizo\nlist: {', '.join(K1_USERS)}\n"
        with LabServer(server, work, K1_MAIN, aliases) as mail:
            for number, ways in enumerate(('sslproto ""', 'sslproto "auto"', "ssl"), 1):
                send_from(client, f"smtp.{K1_DOMAIN}", f"k.mizo@{K1_DOMAIN}", f"list@{K1_DOMAIN}", f"to all, {number}")
                server.run(os.path.join(BUILD, "bin", "sendmail"), f"list@{K1_DOMAIN}",
                           input=f"Subject: from the server, {number}\n\nhello\n",
                           env=dict(os.environ, MAIL_CONFIG=mail.config))
                for user in K1_USERS:
                    text = mail.take_mail(client.command(), f"pop.{K1_DOMAIN}", user, ways, 2 * number)
                    check(f"Subject: to all, {number}" in text, text)
                    check(f"Subject: from the server, {number}" in text, text)
                    check(f"(client.{K1_DOMAIN} [{K1_CLIENT}])" in text, text)
                    check(count_mail(user) == 0, f"{user}'s mailbox is empty")
            mail.wait_empty()
            log = mail.log()
            check(log.count("Login: user=<") == 12 and log.count("TLS, session") == 8, log)


def write_resolver(work, server):
    resolv = os.path.join(work, "resolv.conf")
    with open(resolv, "w") as f:
        f.write(f"nameserver {server}\noptions timeout:2 attempts:2\n")
    sandbox.bind(resolv, "/etc/resolv.conf")


def count_mail(user):
    found = 0
    for folder in ("new", "cur"):
        with contextlib.suppress(FileNotFoundError):
            found += len(os.listdir(os.path.join(pwd.getpwnam(user).pw_dir, "Maildir", folder)))
    return found


SENDER = """
import smtplib, sys, time
server, sender, recipient, subject = sys.argv[1:]
end = time.monotonic() + 30
while True:
    try:
        client = smtplib.SMTP(server, 25, timeout=30)
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(0.1)
client.sendmail(sender, [recipient], f"From: {sender}\\nTo: {recipient}\\nSubject: {subject}\\n\\nhello\\n")
client.quit()
"""


def send_from(host, server, sender, recipient, subject):
    """A mail program on this host; the server's name is looked up there."""
    done = subprocess.run(host.command("/usr/bin/python3", "-c", SENDER, server, sender, recipient, subject), text=True,
                          capture_output=True, timeout=120)
    check(done.returncode == 0, done.stdout + done.stderr)


# K2: two labs, each its own domain, names and mail server


def k2_zone(host, zone, address):
    return (f"$TTL 3600\n@ IN SOA {host}.{zone}. root.{host}.{zone}. ( 2009061501 3600 900 604800 3600 )\n"
            f"  IN NS {host}\n  IN MX 10 {host}\n{host} IN A {address}\nsmtp IN CNAME {host}\npop IN CNAME {host}\n")


PARENT = """$TTL 3600
@ IN SOA ns root.ns ( 1 3600 900 604800 3600 )
  IN NS ns
ns IN A 192.168.0.1
s5  IN NS pc5.s5
pc5.s5 IN A 192.168.0.5
s12 IN NS pc12.s12
pc12.s12 IN A 192.168.0.12
"""
ROOT = """$TTL 3600
. IN SOA ns.t3.metro-cit.ac.jp. root.ns.t3.metro-cit.ac.jp. ( 1 3600 900 604800 3600 )
. IN NS ns.t3.metro-cit.ac.jp.
t3.metro-cit.ac.jp. IN NS ns.t3.metro-cit.ac.jp.
ns.t3.metro-cit.ac.jp. IN A 192.168.0.1
"""
ROOT_HINT = ". 3600 IN NS ns.t3.metro-cit.ac.jp.\nns.t3.metro-cit.ac.jp. 3600 IN A 192.168.0.1\n"
PARENT_CONF = """options { directory "$DIR"; listen-on { 192.168.0.1; }; recursion no; };
zone "." { type master; file "root"; };
zone "t3.metro-cit.ac.jp" { type master; file "t3"; };
"""
LAB_CONF = """options { directory "$DIR"; listen-on { %s; 127.0.0.1; }; allow-recursion { 192.168.0.0/24; 127.0.0.0/8; }; };
zone "." { type hint; file "named.root"; };
zone "%s" { type master; file "lab.zone"; };
"""


class Lab:
    def __init__(self, net, number, user):
        self.name, self.user = f"pc{number}", user
        self.zone = f"s{number}.t3.metro-cit.ac.jp"
        self.address = f"192.168.0.{number}"
        self.host = net.host(self.name)

    def serve(self, net, work):
        net.named(self.host, LAB_CONF % (self.address, self.zone),
                  {"named.root": ROOT_HINT, "lab.zone": k2_zone(self.name, self.zone, self.address)})
        main_cf = {"myhostname": f"{self.name}.{self.zone}", "mydomain": self.zone, "myorigin": "$mydomain",
                   "mydestination": "$myhostname, localhost.$mydomain, localhost, $mydomain",
                   "mynetworks": "192.168.0.0/24 127.0.0.0/8", "home_mailbox": "Maildir/"}
        return LabServer(self.host, work, main_cf, f"postmaster: {self.user}\n")

    @property
    def mail_address(self):
        return f"{self.user}@{self.zone}"


def two_labs(work):
    with dns_network.Network() as net, contextlib.ExitStack() as stack:
        parent = net.host("parent")
        labs = [Lab(net, 5, "sato"), Lab(net, 12, "suzuki")]
        join(parent, "192.168.0.1", {lab.host: lab.address for lab in labs})
        write_resolver(work, "127.0.0.1")  # each lab asks its own server
        add_system_users(work, [lab.user for lab in labs])
        net.named(parent, PARENT_CONF, {"root": ROOT, "t3": PARENT})
        servers = [stack.enter_context(lab.serve(net, work)) for lab in labs]
        for number, ways in enumerate(('sslproto ""', "ssl"), 1):
            for (here, there), server in zip((labs, labs[::-1]), servers[::-1]):
                for name in ("smtp", "pop"):
                    check(there.address in here.host.short("127.0.0.1", f"{name}.{there.zone}", "A"),
                          f"{here.name} finds {name}.{there.zone}")
                subject = f"from {here.name} with {ways}"
                send_from(here.host, f"smtp.{here.zone}", here.mail_address, there.mail_address, subject)
                text = server.take_mail(there.host.command(), f"pop.{there.zone}", there.user, ways, number)
                check(f"Subject: {subject}" in text, text)
                check(f"from {here.name}.{here.zone}" in text, text)
        for server in servers:
            server.wait_empty()
            check("status=sent" in server.log() and "status=bounced" not in server.log(), server.log())


def join(middle, address, others):
    """All hosts on one network, through a bridge in the middle."""
    middle.run("ip", "link", "add", "lab", "type", "bridge")
    middle.run("ip", "link", "set", "lab", "up")
    middle.address(f"{address}/24", "lab")
    for host, own in others.items():
        host.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name", f"to-{host.name}")
        host.run("ip", "link", "set", f"to-{host.name}", "netns", str(middle.holder.pid))
        middle.run("ip", "link", "set", f"to-{host.name}", "master", "lab", "up")
        host.address(f"{own}/24", "eth0")
        host.run("ip", "link", "set", "eth0", "up")


STORIES = {"k1": teaching_lab, "k2": two_labs}


class Labs(peer_stories.Stories):
    script, packages = __file__, PACKAGES

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        dns_network.fetch()

    def test_k1_the_list_reaches_four_users_who_fetch_it_with_and_without_tls(self):
        self.story("k1")

    def test_k2_two_labs_exchange_mail_by_their_names(self):
        self.story("k2")


if __name__ == "__main__":
    peer_stories.main(STORIES, PACKAGES)
