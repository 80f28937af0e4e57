"""Mailboxes, aliases and passwords in SQLite, PostgreSQL and MariaDB: mail arrives, nothing gets into a query, and a
database that dies loses no mail."""

import collections
import os
import smtplib
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest

from auth_client import AuthSocket
from database_peers import PASSWORD, MariaDb, Postgres, account
from umaya_instance import PATIENCE, Instance, free_port, wait_for

ROWS = [("ann@v.test", "v.test/ann/"), ("bob@v.test", "v.test/bob/"), ("o'brien@v.test", "v.test/obrien/"),
        ('"q\\"uote"@v.test', "v.test/wrong/"), ('q"uote@v.test', "v.test/quote/"), ("back\\slash@v.test", "v.test/slash/"),
        ("two@v.test", "a"), ("two@v.test", "b"), ("müller@v.test", "v.test/umlaut/"), ("empty@v.test", ""),
        ("null@v.test", None)]
# Keys that would find something, or do harm, if they became a part of the query.
HOSTILE = ["' OR '1'='1", "x' OR 'a'='a' -- ", "'; DROP TABLE boxes; -- ", "\\' OR 1=1 -- ", "\\", "'", "''", "x\\'", "%s", "%%",
           "\" OR \"\"=\"", "$$", "x' UNION SELECT '1", "nobody@v.test' OR address LIKE 'ann%", "\u02bc OR 1=1", "*"]


def literal(text):
    return "NULL" if text is None else "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Sqlite:
    """The same interface as the servers of database_peers."""
    type = "sqlite"

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="umaya-sqlite-")
        os.chmod(self.directory, 0o755)
        self.file = os.path.join(self.directory, "mail.db")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for name in os.listdir(self.directory):
            os.unlink(os.path.join(self.directory, name))
        os.rmdir(self.directory)

    def insert(self, table, columns, rows):
        with sqlite3.connect(self.file) as database:
            database.execute(f"CREATE TABLE {table}({columns})")
            database.executemany(f"INSERT INTO {table} VALUES(?, ?)", rows)
        os.chmod(self.file, 0o644)

    def run(self, sql):
        with sqlite3.connect(self.file) as database:
            database.executescript(sql)

    def kill(self):
        os.rename(self.file, self.file + ".away")

    def start(self):
        os.rename(self.file + ".away", self.file)

    def parameters(self):
        return f"dbpath = {self.file}\n"


class PgServer(Postgres):
    type = "pgsql"

    def insert(self, table, columns, rows):
        columns = ", ".join(f"{name.strip()} text" for name in columns.split(","))
        values = ", ".join(f"({', '.join('NULL' if v is None else chr(39) + v.replace(chr(39), chr(39) * 2) + chr(39) for v in row)})"
                           for row in rows)
        self.run(f"CREATE TABLE {table}({columns});\nINSERT INTO {table} VALUES {values};")


class MariaServer(MariaDb):
    type = "mysql"

    def insert(self, table, columns, rows):
        columns = ", ".join(f"{name.strip()} varchar(200)" for name in columns.split(","))
        values = ", ".join(f"({', '.join(literal(v) for v in row)})" for row in rows)
        self.run(f"CREATE TABLE {table}({columns}) CHARACTER SET utf8mb4;\nINSERT INTO {table} VALUES {values};")


def owner():
    return (8, 8) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


class Stories:
    """What must hold for each kind of database."""

    @classmethod
    def setUpClass(cls):
        try:
            cls.database = cls.server()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the database cannot be fetched: {error}") from error
        cls.database.__enter__()
        cls.addClassCleanup(cls.database.__exit__)
        cls.database.insert("boxes", "address, path", ROWS)
        cls.database.insert("many", "address, path", [(f"user{n}@v.test", f"v.test/{n}/") for n in range(1000)])

    def instance(self, start=True, table=None, query="SELECT path FROM boxes WHERE address='%s'", more="", files=(), **settings):
        mail = Instance(start=False)
        self.addCleanup(mail.close)
        uid, gid = owner()
        os.makedirs(mail.path("virtual"))
        os.chown(mail.path("virtual"), uid, gid)
        self.write_cf(mail, "boxes.cf", query, more)
        for name, text in files:
            mail.write(name, text)
        mail.set(virtual_mailbox_domains="v.test", virtual_mailbox_base=mail.path("virtual"), virtual_minimum_uid="1",
                 virtual_mailbox_maps=table or f"{self.database.type}:{mail.path('boxes.cf')}",
                 virtual_uid_maps=f"static:{uid}", virtual_gid_maps=f"static:{gid}", **settings)
        if start:
            mail.start()
        return mail

    def write_cf(self, mail, name, query, more="", parameters=None):
        mail.write(name, (parameters or self.database.parameters()) + f"query = {query}\n" + more)
        os.chmod(mail.path(name), 0o640)
        if os.geteuid() == 0:
            os.chown(mail.path(name), 0, 8)

    def ask(self, mail, key, name="boxes.cf"):
        """What postmap says: the value, None for not found, an error otherwise."""
        done = mail.tool("postmap", "-q", key, f"{self.database.type}:{mail.path(name)}")
        if done.returncode == 0:
            return done.stdout.rstrip("\n")
        if "fatal:" in done.stderr:
            return "error: " + done.stderr
        return None

    def box(self, mail, name):
        directory = mail.path("virtual", "v.test", name, "new")
        return len(os.listdir(directory)) if os.path.isdir(directory) else 0

    def rcpt(self, mail, *addresses):
        with mail.smtp() as client:
            client.ehlo("client.test")
            client.mail("sender@example.test")
            return [client.docmd("RCPT", f"TO:<{address}>")[0] for address in addresses]

    def test_mail_reaches_mailboxes_that_the_database_names(self):
        for table in (None, f"proxy:{self.database.type}:$config_directory/boxes.cf"):
            with self.subTest(table=table or "plain"):
                mail = self.instance(table=table)
                mail.send("sender@example.test", ["ann@v.test", "Bob@V.test", "o'brien@v.test"], "Subject: hello\n\nbody\n")
                for name in ("ann", "bob", "obrien"):
                    wait_for(lambda: self.box(mail, name) == 1, 20, f"{name} has mail\n{mail.log()[-3000:]}")
                self.assertEqual(self.rcpt(mail, "nobody@v.test", '"x\' OR \'1\'=\'1"@v.test', "ann@v.test"), [550, 550, 250])

    def test_no_key_becomes_a_part_of_the_query(self):
        mail = self.instance(start=False)
        queries = ["SELECT path FROM boxes WHERE address='%s'", "SELECT path FROM boxes WHERE address='%u@v.test'",
                   "SELECT path FROM boxes WHERE address=%s", "SELECT path FROM boxes WHERE 'x'='%s' AND address='ann@v.test'"]
        for query in queries:
            self.write_cf(mail, "boxes.cf", query)
            for key in HOSTILE:
                with self.subTest(query=query, key=key):
                    self.assertIsNone(self.ask(mail, key))
        self.write_cf(mail, "boxes.cf", queries[0])
        for address, path in ROWS[:6]:
            self.assertEqual(self.ask(mail, address), path)
        self.assertEqual(self.ask(mail, "MÜLLER@v.test"), "v.test/umlaut/")

    def test_postmap_answers_as_the_parameters_say(self):
        mail = self.instance(start=False)
        self.assertEqual(self.ask(mail, "two@v.test"), "a,b")
        self.assertIsNone(self.ask(mail, "empty@v.test"))
        self.assertIsNone(self.ask(mail, "null@v.test"))
        self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%u@%d'",
                      "result_format = %s of %U\nexpansion_limit = 1\ndomain = v.test\nretry_intervall = 3\n")
        self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/ of ann")
        self.assertIsNone(self.ask(mail, "ann"))
        self.assertIsNone(self.ask(mail, "ann@elsewhere.test"))
        self.assertIn("expansion_limit", self.ask(mail, "two@v.test"))
        said = mail.tool("postmap", "-q", "ann@v.test", f"{self.database.type}:{mail.path('boxes.cf')}").stderr
        self.assertRegex(said, r'boxes\.cf, line \d+: \w+ tables have no parameter "retry_intervall"')
        self.assertRegex(mail.umaya("check").stderr, r'boxes\.cf, line \d+: .*"retry_intervall"')
        keys = mail.tool("postmap", "-q", "-", f"{self.database.type}:{mail.path('boxes.cf')}",
                         input="ann@v.test\nnobody@v.test\nbob@v.test\n")
        self.assertEqual(keys.stdout, "ann@v.test\tv.test/ann/ of ann\nbob@v.test\tv.test/bob/ of bob\n")
        listed = mail.tool("postmap", "-s", f"{self.database.type}:{mail.path('boxes.cf')}")
        self.assertIn("sequence operation is not supported", listed.stderr)
        self.assertEqual(listed.returncode, 1)
        self.write_cf(mail, "boxes.cf", "SELECT nothing FROM nowhere WHERE a='%s'")
        self.assertIn("query error", self.ask(mail, "ann@v.test"))
        self.assertIn(self.database.type, mail.tool("postconf", "-m").stdout.split())

    def test_a_database_that_dies_delays_mail_and_bounces_none(self):
        mail = self.instance(more="retry_interval = 1\n" if self.database.type != "sqlite" else "", local_recipient_maps="",
                             minimal_backoff_time="1s", queue_run_delay="1s", smtpd_delay_reject="yes")
        mail.send("sender@example.test", ["ann@v.test"], "Subject: before\n\nbody\n")
        wait_for(lambda: self.box(mail, "ann") == 1, 20, f"ann has mail\n{mail.log()[-3000:]}")
        self.database.kill()
        try:
            self.assertEqual(self.rcpt(mail, "ann@v.test", "nobody@v.test"), [451, 451])
            # From this host itself, mail is taken in any case.
            mail.sendmail("-f", "sender@example.test", "ann@v.test", "nobody@v.test", input="Subject: during\n\nbody\n")
            mail.wait_log(r"to=<ann@v\.test>, .*status=deferred", 20)
            mail.wait_log(r"to=<nobody@v\.test>, .*status=deferred", 20)
        finally:
            self.database.start()
        time.sleep(1.2)
        mail.flush()
        wait_for(lambda: self.box(mail, "ann") == 2, 30, f"ann has the mail from the outage\n{mail.log()[-3000:]}")
        mail.wait_log(r"to=<nobody@v\.test>, .*status=bounced", 30)
        bounced = [line for line in mail.log().splitlines() if "to=<ann@v.test>" in line and "bounced" in line]
        self.assertEqual(bounced, [])
        for secret in (PASSWORD, PASSWORD.split("w")[0]):
            self.assertNotIn(secret, mail.log())

    def test_users_log_in_with_passwords_from_the_database(self):
        hashed = [subprocess.run(["openssl", "passwd", "-6", word], capture_output=True, text=True, check=True).stdout.strip()
                  for word in ("secret", "new")]
        self.database.insert("logins", "name, hash", [("ann@v.test", "{SHA512-CRYPT}" + hashed[0]), ("o-brien", "{PLAIN}it's")])
        mail = self.instance(start=False, auth_sources="tables", auth_failure_delay="0s",
                             auth_password_maps=f"{self.database.type}:$config_directory/logins.cf",
                             auth_user_maps=f"{self.database.type}:$config_directory/users.cf")
        self.write_cf(mail, "logins.cf", "SELECT hash FROM logins WHERE name='%s'")
        self.write_cf(mail, "users.cf", "SELECT 'uid=5000 gid=5000 home=/vmail/x' FROM logins WHERE name='%s'")
        mail.start(wait=False)
        socket_path = mail.queue_path("private", "auth")
        wait_for(lambda: os.path.exists(socket_path), 20, "authd's socket is there")
        with AuthSocket(socket_path, timeout=60 * PATIENCE) as server:
            self.assertEqual(server.plain("ann@v.test", "secret")[0], "OK", mail.log()[-2000:])
            self.assertEqual(server.plain("ann@v.test", "wrong")[0], "FAIL")
            self.assertEqual(server.plain("o-brien", "it's")[0], "OK")
            self.assertEqual(server.plain("' OR '1'='1", "it's")[0], "FAIL")
            self.assertIn("home /vmail/x", mail.umaya("auth", "lookup", "ann@v.test").stdout)
            self.database.run(f"UPDATE logins SET hash='{{SHA512-CRYPT}}{hashed[1]}' WHERE name='ann@v.test';")
            self.assertEqual(server.plain("ann@v.test", "new")[0], "OK")
            self.assertEqual(server.plain("ann@v.test", "secret")[0], "FAIL")
            self.database.kill()
            try:
                self.assertIn("code=temp_fail", server.plain("ann@v.test", "new"))
            finally:
                self.database.start()
        self.assertNotIn(hashed[1], mail.log())

    def test_a_thousand_look_ups_at_once_are_answered_in_order_of_their_coming(self):
        mail = self.instance(query="SELECT path FROM many WHERE address='%s'", smtpd_client_connection_rate_limit="0",
                             smtpd_client_connection_count_limit="0", smtpd_recipient_limit="2000",
                             smtpd_recipient_overshoot_limit="2000")
        waits, lock = [], threading.Lock()

        def session(number):
            with mail.smtp() as client:
                client.ehlo("client.test")
                client.mail("sender@example.test")
                for n in range(number * 25, number * 25 + 25):
                    begin = time.monotonic()
                    code = client.docmd("RCPT", f"TO:<user{n}@v.test>")[0]
                    with lock:
                        waits.append((time.monotonic() - begin, code))

        threads = [threading.Thread(target=session, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(collections.Counter(code for _, code in waits), {250: 1000})
        ordered = sorted(seconds for seconds, _ in waits)
        print(f"{self.database.type}: 1000 recipients in 40 sessions: median {ordered[500] * 1000:.1f} ms, "
              f"p99 {ordered[990] * 1000:.1f} ms")
        self.assertLess(ordered[990], 1.0 * PATIENCE)


class SqliteTables(Stories, unittest.TestCase):
    server = Sqlite

    def test_a_database_in_wal_mode_is_read_while_others_write(self):
        self.database.run("PRAGMA journal_mode=WAL;")
        os.chmod(self.database.directory, 0o777)
        try:
            mail = self.instance()
            self.assertEqual(self.rcpt(mail, "ann@v.test", "later@v.test"), [250, 550])
            writer = sqlite3.connect(self.database.file)
            writer.execute("INSERT INTO boxes VALUES('later@v.test', 'v.test/later/')")
            self.assertEqual(self.rcpt(mail, "ann@v.test"), [250])
            writer.commit()
            self.assertEqual(self.rcpt(mail, "later@v.test"), [250])
            writer.close()
            mail.stop()
        finally:
            self.database.run("PRAGMA journal_mode=DELETE;")


class ServerStories(Stories):
    """What only databases with servers have."""

    def test_the_second_host_answers_for_the_first(self):
        dead, silent = free_port(), socket.socket()
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        self.addCleanup(silent.close)
        for first in (f"inet:127.0.0.1:{dead}", "unix:/nowhere/at/all"):
            with self.subTest(first=first):
                mail = self.instance(start=False)
                for hosts in (f"{first} {self.database.inet_host}", f"{self.database.inet_host}, {first}"):
                    self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'",
                                  parameters=self.database.parameters(hosts))
                    self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/")
                self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'",
                              parameters=self.database.parameters(first))
                self.assertIn("error", self.ask(mail, "ann@v.test"))

    def test_a_host_that_is_down_is_left_alone_for_a_while(self):
        accepted = []
        trap = socket.socket()
        trap.bind(("127.0.0.1", 0))
        trap.listen(50)
        self.addCleanup(trap.close)

        def close_at_once():
            while True:
                try:
                    connection, _ = trap.accept()
                except OSError:
                    return
                accepted.append(time.monotonic())
                connection.close()

        threading.Thread(target=close_at_once, daemon=True).start()
        mail = self.instance(start=False, default_process_limit="100")
        bad = f"inet:127.0.0.1:{trap.getsockname()[1]}"
        self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'", "retry_interval = 600\n",
                      parameters=self.database.parameters(f"{bad} {bad} {bad} {self.database.inet_host}"))
        mail.start()
        for _ in range(10):
            self.assertEqual(self.rcpt(mail, "ann@v.test"), [250])
        self.assertLessEqual(len(accepted), 12)  # three hosts, once in each of at most four processes
        self.assertNotIn(PASSWORD, mail.log())

    def test_a_restart_of_the_server_costs_no_mail_and_no_delay(self):
        mail = self.instance()
        self.assertEqual(self.rcpt(mail, "ann@v.test"), [250])
        self.database.stop()
        self.database.start()
        self.assertEqual(self.rcpt(mail, "ann@v.test", "bob@v.test"), [250, 250])

    def test_a_slow_query_holds_up_no_other_table(self):
        mail = self.instance(query=self.slow_query, start=False)
        self.write_cf(mail, "quick.cf", "SELECT path FROM boxes WHERE address='%s'")
        mail.set(alias_maps=f"{self.database.type}:{mail.path('quick.cf')}", local_recipient_maps="$alias_maps")
        mail.start()
        results = []
        threads = [threading.Thread(target=lambda: results.append(self.rcpt(mail, "ann@v.test"))) for _ in range(12)]
        for thread in threads:
            thread.start()
        time.sleep(0.3)
        begin = time.monotonic()
        self.assertEqual(self.rcpt(mail, "nobody@example.test"), [550])
        took = time.monotonic() - begin
        for thread in threads:
            thread.join()
        self.assertEqual(results, [[250]] * 12)
        self.assertLess(took, 1.0 * PATIENCE)

    def test_the_secret_tables_are_for_authd_alone(self):
        mail = self.instance(start=False, auth_password_maps=f"{self.database.type}:$config_directory/boxes.cf")
        mail.start()
        expected = 451 if os.geteuid() == 0 else 250  # everybody is the same user in an instance of an ordinary user
        self.assertEqual(self.rcpt(mail, "ann@v.test"), [expected])


class PgsqlTables(ServerStories, unittest.TestCase):
    server = PgServer
    slow_query = "SELECT path FROM boxes, pg_sleep(2) WHERE address='%s'"

    def test_a_connection_uri_is_a_host(self):
        mail = self.instance(start=False)
        from urllib.parse import quote
        uri = f"postgresql://mail:{quote(PASSWORD, safe='')}@127.0.0.1:{self.database.port}/postgres"
        self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'", parameters=f"hosts = {uri}\n")
        self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/")
        for wrong in (uri.replace("mail:", "mail:x"), uri + "?nonsense=1", uri.replace("postgresql://", "postgresql://%zz")):
            self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'", parameters=f"hosts = {wrong}\n")
            said = self.ask(mail, "ann@v.test")
            self.assertIn("error", said)
            self.assertNotIn(quote(PASSWORD, safe=''), said)

    def test_keys_in_another_encoding_are_escaped_for_it(self):
        mail = self.instance(start=False)
        for encoding in ("LATIN1", "SJIS", "GB18030", "BIG5"):
            self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'", f"encoding = {encoding}\n")
            self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/")
            for key in ("é' OR 1=1 -- ", "\u00bf' OR 1=1 -- ", "表' OR 1=1 -- "):
                self.assertNotIn("v.test", str(self.ask(mail, key)))


class MysqlTables(ServerStories, unittest.TestCase):
    server = MariaServer
    slow_query = "SELECT path FROM boxes, (SELECT SLEEP(2)) AS s WHERE address='%s'"

    def test_procedures_give_one_result_set(self):
        self.database.run("CREATE PROCEDURE box(IN p VARCHAR(200)) SELECT path FROM boxes WHERE address=p;\n"
                          "CREATE PROCEDURE nothing(IN p VARCHAR(200)) SET @a=p;\n"
                          "DELIMITER //\nCREATE PROCEDURE two(IN p VARCHAR(200)) BEGIN SELECT 1; SELECT 2; END//\n")
        mail = self.instance(start=False)
        for query, more, expected in (("CALL box('%s')", "", "v.test/ann/"), ("CALL nothing('%s')", "", "require_result_set"),
                                      ("CALL nothing('%s')", "require_result_set = no\n", None),
                                      ("CALL two('%s')", "", "more than one result set")):
            self.write_cf(mail, "boxes.cf", query, more)
            said = self.ask(mail, "ann@v.test")
            with self.subTest(query=query, more=more):
                if expected is None:
                    self.assertIsNone(said)
                else:
                    self.assertIn(expected, said)

    def test_modes_of_the_server_in_which_quotes_mean_something_else_are_refused(self):
        mail = self.instance(start=False)
        key = '" OR ""="'
        query = 'SELECT path FROM boxes WHERE address="%s"'
        self.write_cf(mail, "boxes.cf", query)
        self.assertEqual(self.ask(mail, "ann@v.test"), "v.test/ann/")
        self.assertIsNone(self.ask(mail, key))
        for mode in ("ANSI_QUOTES", "NO_BACKSLASH_ESCAPES"):
            self.database.run(f"SET GLOBAL sql_mode='{mode}';")
            try:
                self.write_cf(mail, "boxes.cf", query)
                self.assertIn(mode, self.ask(mail, "ann@v.test"))
                self.write_cf(mail, "boxes.cf", "SELECT path FROM boxes WHERE address='%s'")
                self.assertEqual(self.ask(mail, "o'brien@v.test"), "v.test/obrien/")
                for hostile in HOSTILE:
                    self.assertIsNone(self.ask(mail, hostile))
            finally:
                self.database.run("SET GLOBAL sql_mode=DEFAULT;")


if __name__ == "__main__":
    unittest.main()
