"""The teaching lab: four users, a list, names served by named-lite; and its own files, whose mistakes are explained."""

import os
import subprocess
import unittest

from umaya_instance import BUILD, Instance, free_port

DOMAIN = "c5.exp.info.kochi-tech.ac.jp"
USERS = ["k.mizo", "s.shio", "k.kikk", "k.fuku"]

NAMED_CONF = """options {
        directory "%s";
};
zone "." {
        type hint;
        files "named.root";
};
zone "c5.exp.info.kochi-tech.ac.jp" {
        type master;
        file "c5.zone";
};
"""

ZONE = """$TTL 100
@       IN SOA  server.c5.exp.info.kochi-tech.ac.jp. root.server.c5.exp.info.kochi-tech.ac.jp. (
                2005061501 100 100 100 100 )
server  IN NS   server
server  IN A    192.168.0.161
c5.exp.info.kochi-tech.ac.jp IN MX server
www     IN CNAME server
smtp    IN CNAME server
pop     IN CNAME server
client  IN A    192.168.0.162
"""


def named(*arguments, directory):
    program = os.path.join(BUILD, "libexec", "named-lite")
    done = subprocess.run([program, *arguments], cwd=directory, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Lab(unittest.TestCase):
    def test_mail_to_the_list_reaches_all_four(self):
        with Instance(users=USERS, domain=DOMAIN, aliases="list: " + ", ".join(USERS) + "\n") as mail:
            mail.send(f"k.mizo@{DOMAIN}", [f"list@{DOMAIN}"], "Subject: to all\n\nhello\n")
            for user in USERS:
                self.assertEqual(mail.wait_mail(user)[0]["Subject"], "to all")

    def test_newaliases_names_the_comma_that_should_be_a_dot(self):
        with Instance(users=USERS, domain=DOMAIN, start=False) as mail:
            mail.write("aliases", "postmaster: k.mizo\nlist: k.mizo, s.shio, k,kikk, k.fuku\n")
            said = mail.tool("sendmail", program="newaliases").stderr
            self.assertIn("aliases, line 2", said)
            self.assertIn('write "k.kikk"', said)

    def test_check_names_the_final_dot_of_myhostname(self):
        with Instance(users=USERS, domain=DOMAIN, start=False) as mail:
            mail.set(myhostname=f"server.{DOMAIN}.")
            done = mail.tool("umaya", "-c", mail.config, "check")
            line = len(mail.read("main.cf").splitlines())
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"main.cf, line {line}: myhostname", done.stderr)
            self.assertIn("remove the final dot", done.stderr)

    def test_the_name_server_explains_the_lab_s_files(self):
        with Instance(users=USERS, domain=DOMAIN, start=False) as mail:
            mail.write("named.conf", NAMED_CONF % mail.config)
            mail.write("c5.zone", ZONE)
            status, said = named("checkconf", "named.conf", directory=mail.config)
            self.assertEqual(status, 1)
            self.assertIn('named.conf:6:9: error: "files" is no statement of a zone; write: file "named.root";', said)
            status, said = named("checkzone", DOMAIN, "c5.zone", directory=mail.config)
            self.assertEqual(status, 1)
            for place, cure in (("c5.zone:6:", f"write: {DOMAIN}. IN MX server"),
                                ("c5.zone:6:", f"write: {DOMAIN}. IN MX 10 server"),
                                ("c5.zone:4:", "write: @ IN NS server")):
                explained = any(place in text and cure in text for text in said.splitlines())
                self.assertTrue(explained, f"{place} {cure} in {said}")

    def test_a_corrected_zone_answers(self):
        good = ZONE.replace("server  IN NS   server\n", "@ IN NS server\n")
        good = good.replace("c5.exp.info.kochi-tech.ac.jp IN MX server", "@ IN MX 10 server")
        with Instance(users=USERS, domain=DOMAIN, start=False) as mail:
            mail.write("c5.zone", good)
            status, said = named("checkzone", DOMAIN, "c5.zone", directory=mail.config)
            self.assertEqual(status, 0, said)
            port = free_port()
            mail.write("named.conf", 'options { directory "%s"; listen-on port %d { 127.0.0.1; }; };\n'
                       'zone "%s" { type master; file "c5.zone"; };\n' % (mail.config, port, DOMAIN))
            mail.write("resolv.conf", f"nameserver [127.0.0.1]:{port}\n")
            mail.set(resolv_conf_file=mail.path("resolv.conf"))
            server = subprocess.Popen([os.path.join(BUILD, "libexec", "named-lite"), "-f", "-c", mail.path("named.conf")])
            try:
                answers = ""
                for _ in range(50):
                    answers = mail.sendmail("-bt", input=f"/mx {DOMAIN}\n").stdout
                    if f"server.{DOMAIN}" in answers:
                        break
                self.assertIn(f"server.{DOMAIN}", answers)
            finally:
                server.terminate()
                server.wait(10)


if __name__ == "__main__":
    unittest.main()
