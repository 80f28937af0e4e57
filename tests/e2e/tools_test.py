"""named-checkconf, named-checkzone and named-compilezone of ours beside those of BIND."""

import os
import re
import subprocess
import tempfile
import unittest

import dns_peers
from names_test import PROGRAM

ZONE = """$TTL 1h
@ IN SOA ns root ( 2026112601 3h 15m 1w 1h )
  NS ns
  NS ns.other.test.
  MX 10 mail
  MX 20 mail2
  TXT "v=spf1 mx -all"
  TXT "two" "parts with \\"quotes\\" and \\\\"
  CAA 0 issue "ca.test"
ns A 192.0.2.1
  AAAA 2001:db8::1
mail 300 A 192.0.2.2
mail2 A 192.0.2.3
Www CNAME mail
*.wild MX 10 mail
_smtp._tcp SRV 0 1 25 mail
sub NS ns.sub
ns.sub A 192.0.2.4
$GENERATE 1-3 host$ A 192.0.2.1$
txt TXT "\\195\\169"
_25._tcp.mail TLSA 3 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
ptr PTR host1
odd TYPE65280 \\# 3 AABBCC
"""


def lines(text):
    """Sorted, with single blanks; BIND breaks long hexadecimal with a blank."""
    short = [re.sub(r"\s+", " ", line) for line in text.splitlines() if line]
    return sorted(re.sub(r"(?<=[0-9A-F]{8}) (?=[0-9A-F]{8}$)", "", line) for line in short)


class Tools(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="umaya-tools-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.write("ex.test", ZONE)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def path(self, name):
        return os.path.join(self.directory, name)

    def ours(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=60, cwd=self.directory)
        return done.returncode, done.stdout, done.stderr

    def bind(self, name, *words):
        try:
            dns_peers.fetch()
        except RuntimeError as error:
            self.skipTest(str(error))
        done = subprocess.run([dns_peers.program(name), *words], capture_output=True, text=True, timeout=60,
                              cwd=self.directory, env=dns_peers.environment())
        return done.returncode, done.stdout, done.stderr


class CompileZone(Tools):
    def test_the_full_style_is_what_bind_writes(self):
        code, ours, _ = self.ours("compilezone", "-q", "-s", "full", "-o", "-", "ex.test", "ex.test")
        self.assertEqual(code, 0)
        code, theirs, why = self.bind("named-compilezone", "-q", "-i", "none", "-f", "text", "-F", "text", "-s", "full",
                                      "-o", "-", "ex.test", "ex.test")
        self.assertEqual(code, 0, why)
        self.assertEqual(lines(ours), lines(theirs))

    def test_bind_reads_what_we_write_in_both_styles(self):
        _, before, _ = self.bind("named-compilezone", "-q", "-i", "none", "-s", "full", "-o", "-", "ex.test", "ex.test")
        for style in ("full", "relative"):
            self.assertEqual(self.ours("compilezone", "-s", style, "-o", "out", "ex.test", "ex.test")[0], 0)
            code, after, why = self.bind("named-compilezone", "-q", "-i", "none", "-s", "full", "-o", "-", "ex.test", "out")
            self.assertEqual(code, 0, why)
            self.assertEqual(lines(after), lines(before))

    def test_by_its_name_and_only_with_somewhere_to_write(self):
        os.symlink(PROGRAM, self.path("named-compilezone"))
        done = subprocess.run([self.path("named-compilezone"), "-o", "out", "ex.test", "ex.test"], capture_output=True,
                              text=True, cwd=self.directory)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.endswith("zone ex.test./IN: loaded serial 2026112601\nOK\n"))
        self.assertEqual(self.ours("compilezone", "ex.test", "ex.test")[0], 2)

    def test_a_bad_zone_writes_nothing(self):
        self.write("bad", ZONE + "x A 192.0.2\n")
        code, out, _ = self.ours("compilezone", "-o", "out", "ex.test", "bad")
        self.assertEqual(code, 1)
        self.assertIn("not loaded because of errors", out)
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertEqual(self.ours("compilezone", "-o", "no/such/place", "ex.test", "ex.test")[0], 1)


class CheckZone(Tools):
    def test_the_modes_decide_as_with_bind(self):
        self.write("mx", ZONE + "a_b A 192.0.2.5\ncc MX 10 www\ns SRV 0 0 1 www\n")
        for flags in ((), ("-k", "fail"), ("-k", "ignore"), ("-M", "fail"), ("-S", "fail"), ("-M", "ignore")):
            ours = self.ours("checkzone", *flags, "ex.test", "mx")[0]
            theirs = self.bind("named-checkzone", "-i", "local", *flags, "ex.test", "mx")[0]
            self.assertEqual(ours, theirs, flags)
        self.assertNotIn("a_b", self.ours("checkzone", "-k", "ignore", "ex.test", "mx")[1])
        self.assertIn("a_b", self.ours("checkzone", "ex.test", "mx")[1])

    def test_ttls_output_and_quiet(self):
        self.assertEqual(self.ours("checkzone", "-l", "600", "ex.test", "ex.test")[0], 1)
        self.assertEqual(self.ours("checkzone", "-l", "1h", "ex.test", "ex.test")[0], 0)
        self.assertEqual(self.ours("checkzone", "-q", "ex.test", "ex.test"), (0, "", ""))
        code, out, err = self.ours("checkzone", "-D", "ex.test", "ex.test")
        self.assertEqual(code, 0)
        self.assertIn("ex.test. 3600 IN SOA ", re.sub(r"\s+", " ", out))
        self.assertTrue(err.endswith("OK\n"))
        self.assertEqual(self.ours("checkzone", "-w", self.directory, "ex.test", "ex.test")[0], 0)

    def test_wrong_arguments_are_explained(self):
        for words, what in ((("-y",), "-y is not known"), (("-i", "some", "a", "b"), "-i is full"),
                            (("-f", "raw", "a", "b"), "only text"), (("a",), "a zone and a file"),
                            (("-k", "maybe", "a", "b"), "-k is fail, warn or ignore")):
            code, _, err = self.ours("checkzone", *words)
            self.assertEqual(code, 2)
            self.assertIn(what, err)
        self.assertEqual(self.ours("checkzone", "-h")[0], 0)


class CheckConf(Tools):
    CONF = ('include "keys"; // them\noptions { directory "."; allow-transfer { key xfr; !10.0.0.1; 10/8; }; recursion no; };\n'
            'zone "ex.test" { type master; file "ex.test"; };\nzone "." { type hint; file "root"; };\n')
    KEYS = 'key xfr { algorithm hmac-sha256; secret "c2VjcmV0"; };\n'

    def setUp(self):
        super().setUp()
        self.write("named.conf", self.CONF)
        self.write("keys", self.KEYS)

    def test_p_prints_what_we_and_bind_read_again(self):
        code, out, _ = self.ours("checkconf", "-p", "named.conf")
        self.assertEqual(code, 0)
        self.assertIn('key xfr {\n\talgorithm hmac-sha256;\n\tsecret "c2VjcmV0";\n};\n', out)
        self.assertNotIn("include", out)
        self.write("again", out)
        self.assertEqual(self.ours("checkconf", "-p", "again")[1], out)
        code, theirs, why = self.bind("named-checkconf", "-p", "again")
        self.assertEqual(code, 0, theirs + why)
        self.assertEqual(theirs, self.bind("named-checkconf", "-p", "named.conf")[1])

    def test_x_hides_secrets(self):
        code, out, _ = self.ours("checkconf", "-px", "named.conf")
        self.assertEqual(code, 0)
        self.assertNotIn("c2VjcmV0", out)
        self.assertEqual(self.ours("checkconf", "-x", "named.conf")[0], 2)

    def test_z_reads_the_zones_and_l_lists_them(self):
        code, out, _ = self.ours("checkconf", "-z", "named.conf")
        self.assertEqual(code, 0)
        self.assertIn("zone ex.test./IN: loaded serial 2026112601", out)
        theirs = self.bind("named-checkconf", "-l", "named.conf")[1]
        self.assertEqual(self.ours("checkconf", "-l", "named.conf")[1], theirs.replace("master", "primary"))
        self.write("ex.test", ZONE + "x A 192.0.2\n")
        self.assertEqual(self.ours("checkconf", "-z", "named.conf")[0], 1)
        self.assertEqual(self.ours("checkconf", "named.conf")[0], 0)


class Refused(Tools):
    def test_flags_that_could_have_no_effect_are_refused_with_a_reason(self):
        for flags, expected in ((("-j",), "the server's own journal"), (("-J", "x.jnl"), "the server's own journal"),
                                (("-L", "7"), "raw file"), (("-C", "warn"), "SVCB records are not checked"),
                                (("-n", "maybe"), "-n is fail, warn or ignore")):
            code, out, err = self.ours("checkzone", *flags, "ex.test", "ex.test")
            self.assertEqual((code, out), (2, ""), flags)
            self.assertIn(expected, err)
        self.write("named.conf", 'options { directory "."; additional-from-auth yes; };\n')
        code, out, err = self.ours("checkconf", "-j", "named.conf")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("ndc sync", err)
        self.assertIn("-n is not known", self.ours("checkconf", "-n", "named.conf")[2])

    def test_n_decides_on_name_servers_at_an_address(self):
        self.write("ns", "$TTL 60\n@ SOA ns root 1 2 3 4 5\n@ NS ns\n@ NS 192.0.2.1\nns A 192.0.2.1\n")
        for mode, code, told in (("fail", 1, "error: NS names a host"), ("warn", 0, "warning: NS names a host"),
                                 ("ignore", 0, None)):
            done = self.ours("checkzone", "-n", mode, "ex.test", "ns")
            self.assertEqual(done[0], code, done)
            self.assertEqual(told is None, "names a host" not in done[1])
            self.assertIn(told or "OK", done[1])

    def test_i_says_nothing_of_obsolete_statements(self):
        self.write("named.conf", 'options { directory "."; additional-from-auth yes; dnssec-enable yes; dlz "x"; };\n')
        loud, quiet = self.ours("checkconf", "named.conf")[1], self.ours("checkconf", "-i", "named.conf")[1]
        self.assertIn("is obsolete", loud)
        self.assertNotIn("is obsolete", quiet)
        self.assertEqual(quiet.splitlines(), [line for line in loud.splitlines() if "is obsolete" not in line])
        self.assertIn("is not used", quiet)


if __name__ == "__main__":
    unittest.main()
