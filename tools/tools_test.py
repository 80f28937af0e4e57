#!/usr/bin/env python3
"""Tests of the checks and generators in this folder."""

import unittest

import check_includes
import check_params
import check_source
import man_text
import params_table


class Layers(unittest.TestCase):
    def test_an_include_goes_down(self):
        self.assertTrue(check_includes.allowed("libcommon/table", "libcommon/config", "libcommon/config/config.h"))
        self.assertTrue(check_includes.allowed("smtpd", "libcommon/daemon", "libcommon/daemon/daemon.h"))
        self.assertTrue(check_includes.allowed("tests/smtpd", "smtpd", "smtpd/session.h"))

    def test_an_include_never_goes_up_or_across(self):
        self.assertFalse(check_includes.allowed("libcommon/config", "libcommon/table", "libcommon/table/table.h"))
        self.assertFalse(check_includes.allowed("libcommon/config", "libcommon/event", "libcommon/event/loop.h"))
        self.assertFalse(check_includes.allowed("libcommon/base", "smtpd", "smtpd/session.h"))
        self.assertFalse(check_includes.allowed("smtpd", "cleanup", "cleanup/params.h"))

    def test_commands_see_only_the_data_of_daemons(self):
        self.assertTrue(check_includes.allowed("commands/umaya", "smtpd", "smtpd/params.h"))
        self.assertFalse(check_includes.allowed("commands/umaya", "smtpd", "smtpd/session.h"))

    def test_folders(self):
        self.assertEqual(check_includes.folder_of("libcommon/config/table/x.inc"), "libcommon/config")
        self.assertEqual(check_includes.folder_of("named-lite/dns/name.h"), "named-lite")


class Source(unittest.TestCase):
    def found(self, text, name="smtpd/x.cc"):
        return [what for _, what in check_source.rule_problems(name, text)]

    def test_banned_calls(self):
        for text in ("strcpy(a, b);", "system(\"x\");", "time(nullptr);", "throw 1;", "auto p = new Foo(1);", "delete p;",
                     "x = atoi(s);", "popen(c, \"r\");", "// TO" + "DO later"):
            self.assertEqual(len(self.found(text)), 1, text)

    def test_words_in_comments_and_strings_are_no_calls(self):
        for text in ("// strcpy(a, b)", 's = "system(x)";', "wait.time(now);", "event_time(0);",
                     "std::unique_ptr<A> a(new A(1));", "A(const A&) = delete;"):
            self.assertEqual(self.found(text), [], text)

    def test_long_functions(self):
        body = "  x();\n" * 90
        self.assertEqual(len(list(check_source.function_problems("void f() {\n" + body + "}\n"))), 1)
        self.assertEqual(list(check_source.function_problems("void f() {\n  x();\n}\n" + "int a;\n" * 90)), [])


class Parameters(unittest.TestCase):
    def test_rows(self):
        text = '// c\n{"a_b", "x" " y\\"", Kind::time, {.min = 1, .unit = \'d\'},\n "all", "2.0", 2, "Doc", kRaw | kNonEmpty},\n'
        row = params_table.parse_rows(text)[0]
        self.assertEqual(row[0], ["a_b"])
        self.assertEqual(row[1], ['x y"'])
        self.assertEqual(row[8], ["kRaw", "|", "kNonEmpty"])

    def test_the_table_is_read_whole(self):
        params = params_table.load()
        self.assertGreater(len(params), 950)
        self.assertEqual(params["smtpd_timeout"].kind, "time")

    def test_idle_members(self):
        files = {"a/params.h": 'int n; int m;\n{"num", &P::n}, {"mum", &P::m}', "a/x.cc": "use(p.n);"}
        self.assertEqual(len(list(check_params.idle_members(files))), 1)


class Pages(unittest.TestCase):
    HEADER = ("// NAME    x - does it\n//\n// SYNOPSIS\n//     x [-v]\n//\n// DESCRIPTION\n//     Text about x(8).\n//\n"
              "//     -v   more words\n//          than one\n//     -q   none\nint main() {}\n// NAME no\n")

    def test_sections(self):
        sections = dict(man_text.header_sections(self.HEADER))
        self.assertEqual(sections["NAME"], ["x - does it"])
        self.assertEqual(sections["SYNOPSIS"], ["x [-v]"])
        self.assertEqual(len(sections["DESCRIPTION"]), 5)

    def test_page(self):
        page = man_text.page("x", 8, man_text.header_sections(self.HEADER))
        self.assertIn(".TP\n\\fB\\-v\\fR\nmore words than one\n", page)
        self.assertIn("Text about \\fBx\\fR(8).", page)
        self.assertIn(".SH SYNOPSIS\n.nf\nx [\\-v]\n.fi", page)

    def test_lines_that_roff_would_take_for_requests(self):
        self.assertEqual(man_text.roff(".forward"), "\\&.forward")
        self.assertEqual(man_text.roff("a\\b"), "a\\eb")


if __name__ == "__main__":
    unittest.main()
