"""Mailboxes, lists and passwords in OpenLDAP's slapd: groups of groups, TLS, servers that die."""

import os
import subprocess
import time
import unittest

from auth_client import AuthSocket
from database_peers import PASSWORD, OpenLdap, account
from sql_tables_test import owner
from umaya_instance import PATIENCE, Instance, free_port, wait_for


def entry(name, *lines, unit="people"):
    return f"dn: cn={name},ou={unit},dc=example,dc=test\nobjectClass: mailThing\ncn: {name}\n" + "\n".join(lines) + "\n\n"


def member(name, unit="people"):
    return f"member: cn={name},ou={unit},dc=example,dc=test"


LDIF = ("dn: dc=example,dc=test\nobjectClass: organization\nobjectClass: dcObject\no: x\ndc: example\n\n"
        + "".join(f"dn: ou={unit},dc=example,dc=test\nobjectClass: organizationalUnit\nou: {unit}\n\n"
                  for unit in ("people", "lists", "v"))
        + entry("ann", "mail: ann@v.test", "mail: ann@people.test", "maildrop: v.test/ann/", "userPassword: secret",
                "mailacceptinggeneralid: ann@v.test")
        + entry("bob", "mail: bob@v.test", "maildrop: v.test/bob/")
        + entry("odd", "mail: o'*b@v.test", "mail: back\\slash@v.test", "maildrop: v.test/odd/")
        + entry("many", "mail: many@v.test", "maildrop: a@x.test", "maildrop: b@x.test")
        + entry("deep", "mail: deep@v.test", "maildrop: v.test/deep/", unit="v")
        + entry("list", "mail: list@v.test", member("ann"), member("bob"), member("gone"), unit="lists")
        + entry("nested", "mail: nested@v.test", member("list", "lists"), "maildrop: extra@x.test", unit="lists")
        + entry("loop", "mail: loop@v.test", member("loop", "lists"), unit="lists")
        + entry("url", "mail: url@v.test", "memberUrl: ldap:///ou=people,dc=example,dc=test?maildrop?one?(mail=*@v.test)",
                unit="lists")
        + entry("terminal", "mail: terminal@v.test", "terminalMail: end@x.test", "maildrop: not@x.test", member("ann"),
                unit="lists")
        + entry("leaf", "mail: leaf@v.test", "leafMail: leaf@x.test", unit="lists"))
BOXES = "search_base = dc=example,dc=test\nquery_filter = (mail=%s)\n"


class LdapTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.server = OpenLdap()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"slapd cannot be fetched: {error}") from error
        names = ("key", "certificate", "authority", "authority-key", "request", "extensions")
        key, certificate, authority, authority_key, request, extensions = (os.path.join(cls.server.directory, n) for n in names)
        new_key = ["-newkey", "rsa:2048", "-nodes", "-keyout"]
        with open(extensions, "w") as f:
            f.write("subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
        for command in (["req", "-x509", *new_key, authority_key, "-days", "2", "-subj", "/CN=authority", "-out", authority],
                        ["req", *new_key, key, "-subj", "/CN=server", "-out", request],
                        ["x509", "-req", "-in", request, "-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-days",
                         "2", "-extfile", extensions, "-out", certificate]):
            subprocess.run(["openssl", *command], check=True, capture_output=True)
        os.chown(key, *account())
        cls.server.tls = f"TLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n"
        cls.certificate = authority
        cls.server.prepare()
        cls.server.load(LDIF)
        cls.server.start()
        cls.addClassCleanup(cls.server.stop)

    def instance(self, more=BOXES, hosts=None, start=True, **settings):
        mail = Instance(start=False)
        self.addCleanup(mail.close)
        uid, gid = owner()
        os.makedirs(mail.path("virtual"))
        os.chown(mail.path("virtual"), uid, gid)
        self.write_cf(mail, "boxes.cf", more, hosts)
        mail.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=mail.path("virtual"), virtual_minimum_uid="1",
                 virtual_mailbox_maps=f"ldap:{mail.path('boxes.cf')}", virtual_uid_maps=f"static:{uid}",
                 virtual_gid_maps=f"static:{gid}")
        mail.set(**settings)
        if start:
            mail.start()
        return mail

    def write_cf(self, mail, name, more, hosts=None):
        mail.write(name, f"server_host = {hosts or self.server.unix_host}\n" + more)
        os.chmod(mail.path(name), 0o640)
        if os.geteuid() == 0:
            os.chown(mail.path(name), 0, 8)

    def ask(self, mail, key, table="boxes.cf"):
        done = mail.tool("postmap", "-q", key, f"ldap:{mail.path(table) if '.' in table else table}")
        self.said = done.stderr
        if done.returncode == 0:
            return done.stdout.rstrip("\n")
        return "error: " + done.stderr if "fatal:" in done.stderr else None

    def box(self, mail, name):
        directory = mail.path("virtual", "v.test", name, "new")
        return len(os.listdir(directory)) if os.path.isdir(directory) else 0

    def rcpt(self, mail, *addresses):
        with mail.smtp() as client:
            client.ehlo("client.test")
            client.mail("sender@example.test")
            return [client.docmd("RCPT", f"TO:<{address}>")[0] for address in addresses]

    def test_mail_reaches_mailboxes_and_the_members_of_groups(self):
        mail = self.instance(start=False, virtual_alias_domains="lists.test",
                             virtual_alias_maps="ldap:$config_directory/lists.cf")
        self.write_cf(mail, "lists.cf", BOXES + "domain = lists.test\nquery_filter = (mail=%u@v.test)\nresult_attribute = mail\n"
                      "special_result_attribute = member\nresult_format = %u@v.test\n")
        mail.start()
        mail.send("sender@example.test", ["ann@v.test", "o'*b@v.test"], "Subject: one\n\nbody\n")
        wait_for(lambda: self.box(mail, "ann") == 1 and self.box(mail, "odd") == 1, 20, f"mail is there\n{mail.log()[-3000:]}")
        self.assertEqual(self.rcpt(mail, "nobody@v.test", "*@v.test", '"a)(mail=*"@v.test', "bob@v.test"), [550, 550, 550, 250])

    def test_results_of_members_urls_terminal_and_leaf_attributes(self):
        mail = self.instance(start=False)
        special = BOXES + "special_result_attribute = member, memberUrl\n"
        for more, key, expected in (
                (special, "list@v.test", {"v.test/ann/", "v.test/bob/"}),
                (special, "nested@v.test", {"v.test/ann/", "v.test/bob/", "extra@x.test"}),
                (special, "url@v.test", {"v.test/ann/", "v.test/bob/", "v.test/odd/", "a@x.test", "b@x.test"}),
                (special + "terminal_result_attribute = terminalMail\n", "terminal@v.test", {"end@x.test"}),
                (special, "terminal@v.test", {"not@x.test", "v.test/ann/"}),
                (special + "leaf_result_attribute = leafMail\nresult_attribute =\n", "leaf@v.test", {"leaf@x.test"}),
                (BOXES + "scope = one\nsearch_base = ou=people,dc=example,dc=test\n", "deep@v.test", None),
                ("search_base = ou=%2,dc=example,dc=test\nquery_filter = (mail=%s)\n", "deep@v.test", {"v.test/deep/"}),
                ("search_base = ou=%2,dc=example,dc=test\nquery_filter = (mail=%s)\n", "deep@nowhere.test", None),
                ("search_base = ou=%2,dc=example,dc=test\nquery_filter = (mail=%s)\n", "x@v,ou=people.test", None)):
            with self.subTest(more=more, key=key):
                self.write_cf(mail, "boxes.cf", more)
                found = self.ask(mail, key)
                self.assertEqual(None if found is None else set(found.split(",")), expected, self.said)

    def test_limits_and_mistakes_are_errors_and_not_missing_keys(self):
        mail = self.instance(start=False)
        special = BOXES + "special_result_attribute = member\n"
        for more, key, expected in ((special, "loop@v.test", "recursion_limit"),
                                    (special + "recursion_limit = 2\n", "nested@v.test", "recursion_limit"),
                                    (special + "expansion_limit = 1\n", "list@v.test", "expansion_limit"),
                                    ("search_base = dc=example,dc=test\nquery_filter = (mail=*%s)\nsize_limit = 2\n", "v.test",
                                     "Size limit exceeded"),
                                    ("search_base = ou=no,dc=example,dc=test\nquery_filter = (mail=%s)\n", "x", "No such object"),
                                    (BOXES + "query_filter = (mail=%s\n", "x", "Bad search filter"),
                                    (BOXES + "bind_dn = cn=ann,ou=people,dc=example,dc=test\nbind_pw = no\n", "x", "credentials"),
                                    (BOXES + "bind = sasl\n", "x", "EXTERNAL"), (BOXES + "scope = all\n", "x", "line 4: scope"),
                                    (BOXES + "timeout = soon\n", "x", "line 4: timeout")):
            with self.subTest(more=more):
                self.write_cf(mail, "boxes.cf", more)
                self.assertIn(expected, self.ask(mail, key) or "not found")
        self.write_cf(mail, "boxes.cf", BOXES + "result_atribute = mail\n")
        self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/")
        self.assertIn('boxes.cf, line 4: ldap tables have no parameter "result_atribute"', self.said)

    def test_binds_tls_and_versions(self):
        mail = self.instance(start=False)
        bind = "bind_dn = cn=admin,dc=example,dc=test\nbind_pw = " + PASSWORD + "\n"
        tls = f"tls_require_cert = yes\ntls_ca_cert_file = {self.certificate}\n"
        other = f"ldap://localhost:{self.server.port}"  # the certificate is not for this name
        for hosts, more, works in ((self.server.unix_host, bind, True), (self.server.inet_host, bind + "version = 2\n", True),
                                   (self.server.inet_host, "start_tls = yes\n" + tls, True),
                                   (self.server.tls_host, tls, True), (other, "start_tls = yes\n" + tls, False),
                                   (self.server.tls_host, "tls_require_cert = yes\n", False),
                                   (self.server.tls_host, "tls_require_cert = no\n", True),
                                   (f"127.0.0.1:{self.server.port}", "bind = no\n", True),
                                   ("127.0.0.1", f"server_port = {self.server.port}\n", True),
                                   (self.server.unix_host, "bind = sasl\nsasl_mechs = external\n", True)):
            with self.subTest(hosts=hosts, more=more):
                self.write_cf(mail, "boxes.cf", BOXES + more, hosts)
                found = self.ask(mail, "ann@v.test")
                self.assertEqual(found == "v.test/ann/", works, f"{found} {self.said}")
                self.assertNotIn(PASSWORD, self.said)

    def test_the_old_form_reads_its_parameters_from_main_cf(self):
        mail = self.instance(start=False, people_server_host=self.server.unix_host, people_search_base="dc=example,dc=test",
                             people_query_filter="(mail=%s)", virtual_mailbox_maps="ldap:people")
        self.assertEqual(self.ask(mail, "ann@v.test", "people"), "v.test/ann/")
        mail.start()
        self.assertEqual(self.rcpt(mail, "ann@v.test", "nobody@v.test"), [250, 550])

    def test_the_second_server_answers_for_the_first(self):
        dead = f"ldap://127.0.0.1:{free_port()}"
        mail = self.instance(hosts=f"{dead} {self.server.inet_host}")
        for _ in range(3):
            self.assertEqual(self.rcpt(mail, "ann@v.test"), [250])
        self.assertGreaterEqual(mail.log().count(dead), 1)
        self.assertLessEqual(mail.log().count(dead), 4)  # once for each process

    def test_a_server_that_dies_delays_mail_and_bounces_none(self):
        mail = self.instance(BOXES + "retry_interval = 1\n", minimal_backoff_time="1s", queue_run_delay="1s")
        self.assertEqual(self.rcpt(mail, "ann@v.test"), [250])
        self.server.kill()
        try:
            self.assertEqual(self.rcpt(mail, "ann@v.test", "nobody@v.test"), [451, 451])
            mail.sendmail("-f", "sender@example.test", "ann@v.test", input="Subject: during\n\nbody\n")
            mail.wait_log(r"to=<ann@v\.test>, .*status=deferred", 20)
        finally:
            self.server.start()
        time.sleep(1.2)
        mail.flush()
        wait_for(lambda: self.box(mail, "ann") == 1, 30, f"ann has the mail from the outage\n{mail.log()[-3000:]}")
        self.assertNotIn("status=bounced", mail.log())

    def test_users_log_in_with_passwords_from_the_directory(self):
        mail = self.instance(start=False, auth_sources="tables", auth_failure_delay="0s",
                             auth_password_maps="ldap:$config_directory/logins.cf", auth_default_scheme="PLAIN",
                             auth_user_defaults="uid=5000 gid=5000 home=/vmail/%n")
        self.write_cf(mail, "logins.cf", BOXES + "result_attribute = userPassword\nbind_dn = cn=admin,dc=example,dc=test\n"
                      f"bind_pw = {PASSWORD}\n")
        mail.start(wait=False)
        path = mail.queue_path("private", "auth")
        wait_for(lambda: os.path.exists(path), 20, "authd's socket is there")
        with AuthSocket(path, timeout=60 * PATIENCE) as server:
            self.assertEqual(server.plain("ann@v.test", "secret")[0], "OK", mail.log()[-2000:])
            self.assertEqual(server.plain("ann@v.test", "wrong")[0], "FAIL")
            self.assertEqual(server.plain("*", "secret")[0], "FAIL")
        self.assertNotIn(PASSWORD, mail.log())


if __name__ == "__main__":
    unittest.main()
