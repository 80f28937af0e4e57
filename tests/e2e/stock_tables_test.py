"""The same .cf files and the same keys for Postfix's own database clients and for ours: the same answers."""

import os
import shutil
import subprocess
import tempfile
import unittest

from database_peers import OpenLdap, StockPostmap, answers_of
from ldap_tables_test import LDIF
from sql_tables_test import HOSTILE, ROWS, MariaServer, PgServer, Sqlite
from umaya_instance import BUILD, Instance

KEYS = [row[0] for row in ROWS] + HOSTILE + [
    "nobody@v.test", "ann", "@v.test", "v.test", "ann@", "Ann@V.Test", "ann@sub.v.test", "a@b@v.test", "ann@v..test",
    "ann@.v.test", "ann@v.test.", "1", "two@test", "ann@other.test", "bob@a.b.c.d.e.f.g.h.i.j", "müller@V.test", "x y@v.test"]

# Parameters behind those that connect: query or its old forms, and what changes the results.
SQL = {
    "whole key": "query = SELECT path FROM boxes WHERE address='%s'\n",
    "upper case": "query = SELECT path FROM boxes WHERE address='%S'\n",
    "user and domain": "query = SELECT path FROM boxes WHERE address='%u@%d'\n",
    "upper user and domain": "query = SELECT path FROM boxes WHERE address='%U@%D'\n",
    "user alone": "query = SELECT path FROM boxes WHERE address LIKE '%u@%%'\n",
    "domain alone": "query = SELECT 'yes' FROM boxes WHERE address='ann@%d'\n",
    "labels": "query = SELECT path FROM boxes WHERE address='%u@%2.%1'\n",
    "nine labels": "query = SELECT 'nine' FROM boxes WHERE '%9'='b' AND address='ann@v.test'\n",
    "percent": "query = SELECT '100%%' FROM boxes WHERE address='%s'\n",
    "columns": "query = SELECT path, address FROM boxes WHERE address='%s'\n",
    "format": "query = SELECT path FROM boxes WHERE address='%s'\nresult_format = [%s] %S %U %D %1 %%\n",
    "format of results": "query = SELECT address FROM boxes WHERE path='a' AND 'x%u' <> 'y'\nresult_format = %u at %d\n",
    "format of plain results": "query = SELECT path FROM boxes WHERE address='%s'\nresult_format = %d\n",
    "limit": "query = SELECT path FROM boxes WHERE address='%s'\nexpansion_limit = 1\n",
    "limit of two": "query = SELECT path FROM boxes WHERE address='%s'\nexpansion_limit = 2\n",
    "domains": "query = SELECT path FROM boxes WHERE address='%s'\ndomain = v.test, other.test\n",
    "domains in a table": "query = SELECT path FROM boxes WHERE address='%s'\ndomain = inline:{v.test=x}\n",
    "old form": "table = boxes\nselect_field = path\nwhere_field = address\n",
    "old form with condition": "table = boxes\nselect_field = path\nwhere_field = address\n"
                               "additional_conditions = AND path <> 'a'\n",
    "empty value": "query = SELECT '' FROM boxes WHERE address='%s'\n",
    "wrong column": "query = SELECT nothing FROM boxes WHERE address='%s'\n",
    "continued": "query = SELECT path\n  FROM boxes\n # comment\n  WHERE address='%s'\n",
}
BAD = {
    "bad place": "query = SELECT path FROM boxes WHERE address='%x'\n",
    "percent at the end": "query = SELECT path FROM boxes WHERE address='%s'%\n",
    "no query": "\n",
    "bad number": "query = SELECT path FROM boxes WHERE address='%s'\nexpansion_limit = many\n",
    "empty format": "query = SELECT path FROM boxes WHERE address='%s'\nresult_format =\n",
}
# Where we answer otherwise, on purpose: case -> keys, why.
SEARCH = "search_base = dc=example,dc=test\n"
LDAP = {
    "whole key": SEARCH + "query_filter = (mail=%s)\n",
    "user and domain": SEARCH + "query_filter = (mail=%u@%d)\n",
    "default attribute names": SEARCH,
    "base from the key": "search_base = ou=%2,dc=example,dc=test\nquery_filter = (mail=%s)\n",
    "base that is missing": "search_base = ou=missing,dc=example,dc=test\nquery_filter = (mail=%s)\n",
    "several attributes": SEARCH + "query_filter = (mail=%s)\nresult_attribute = maildrop, mail\n",
    "members": SEARCH + "query_filter = (mail=%s)\nspecial_result_attribute = member, memberUrl\n",
    "leaf": SEARCH + "query_filter = (mail=%s)\nspecial_result_attribute = member\nleaf_result_attribute = leafMail\n"
                     "result_attribute =\n",
    "terminal": SEARCH + "query_filter = (mail=%s)\nspecial_result_attribute = member\n"
                         "terminal_result_attribute = terminalMail\n",
    "recursion limit": SEARCH + "query_filter = (mail=%s)\nspecial_result_attribute = member\nrecursion_limit = 2\n",
    "size limit": SEARCH + "query_filter = (mail=*@v.test)\nsize_limit = 2\n",
    "limit": SEARCH + "query_filter = (mail=%s)\nexpansion_limit = 1\n",
    "format": SEARCH + "query_filter = (mail=%s)\nresult_format = smtp:[%s] for %U\n",
    "old format": SEARCH + "query_filter = (mail=%s)\nresult_filter = <%s>\n",
    "one level": "search_base = ou=people,dc=example,dc=test\nscope = one\nquery_filter = (mail=%s)\n",
    "base": "search_base = cn=ann,ou=people,dc=example,dc=test\nscope = base\nquery_filter = (mail=%s)\n",
    "no bind": SEARCH + "query_filter = (mail=%s)\nbind = no\n",
    "bind": SEARCH + "query_filter = (mail=%s)\nbind = yes\nbind_dn = cn=ann,ou=people,dc=example,dc=test\nbind_pw = secret\n",
    "wrong password": SEARCH + "query_filter = (mail=%s)\nbind_dn = cn=ann,ou=people,dc=example,dc=test\nbind_pw = wrong\n",
    "domains": SEARCH + "query_filter = (mail=%s)\ndomain = v.test\n",
    "wrong filter": SEARCH + "query_filter = (mail=%s\n",
}
LDAP_KEYS = KEYS[:3] + HOSTILE + ["list@v.test", "nested@v.test", "url@v.test", "terminal@v.test", "leaf@v.test",
                                  "loop@v.test", "many@v.test", "ann@people.test", "(", ")", "*", "ann*", "a)(mail=*", "\\",
                                  "ann\\2a", "nobody@v.test", "ann", "@v.test", "ann@", "x,y@v.test", "x=y,dc=z@a.b"]


class StockTables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.work = tempfile.mkdtemp(prefix="umaya-stock-")
        cls.addClassCleanup(shutil.rmtree, cls.work, True)
        os.chmod(cls.work, 0o755)
        try:
            cls.stock = StockPostmap(cls.work)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"Postfix cannot be fetched: {error}") from error
        cls.mail = Instance(start=False)
        cls.addClassCleanup(cls.mail.close)

    def ours(self, table, keys):
        environment = dict(os.environ, MAIL_CONFIG=self.mail.config)
        return answers_of([os.path.join(BUILD, "bin", "postmap")], environment, table, keys)

    def compare(self, kind, connect, cases, keys):
        differences, count = [], 0
        for title, parameters in cases.items():
            path = os.path.join(self.work, f"{kind}.cf")
            with open(path, "w") as f:
                f.write(connect + parameters)
            os.utime(path, (1, 1))  # Postfix waits until a file is a second old
            theirs, said = self.stock.ask_all(f"{kind}:{path}", keys)
            ours, we_said = self.ours(f"{kind}:{path}", keys)
            pairs = [each for each in zip(keys, theirs, ours) if "not asked" not in each]
            count += len(pairs)
            differences += [f"{title}: {key!r}: Postfix {their!r}, Umaya {our!r} ({said.strip()[-150:]}) ({we_said.strip()[-150:]})"
                            for key, their, our in pairs if their != our]
        print(f"{kind}: {count} answers compared, {len(differences)} differ")
        self.assertEqual(differences, [], "\n" + "\n".join(differences))

    def compare_sql(self, server, keys=KEYS):
        with server() as database:
            database.insert("boxes", "address, path", ROWS)
            # Postfix's PostgreSQL client knows sockets of port 5432 alone.
            connect = database.parameters(database.inet_host) if database.type == "pgsql" else database.parameters()
            self.compare(database.type, connect, SQL, keys)
            self.compare(database.type, connect, BAD, keys[:1])

    def test_sqlite(self):
        self.compare_sql(Sqlite)

    def test_pgsql(self):
        # Postfix 3.7 reads keys as Latin-1 here and finds no name beyond ASCII; 3.8 has encoding = UTF8, as we do.
        self.compare_sql(PgServer, [key for key in KEYS if key.isascii()])

    def test_mysql(self):
        self.compare_sql(MariaServer)

    def test_ldap(self):
        server = OpenLdap()
        server.prepare()
        server.load(LDIF)
        server.start()
        try:
            for host in (server.unix_host, server.inet_host):
                self.compare("ldap", f"version = 3\nserver_host = {host}\n", LDAP, LDAP_KEYS)
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
