"""The logging statement: where lines go, questions in the log, and that both can be changed while the server runs."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from names_test import PROGRAM, ZONE, answers, question, rcode
from umaya_instance import free_port, wait_for

CHANNELS = """
  channel queries { file "queries.log" versions 2 size 200k; print-time yes; print-category yes; print-severity yes; };
  channel rest { file "rest.log"; print-category yes; severity info; };
"""


class Logger:
    """named-lite with a logging statement; -f, since -g sends everything to standard error."""

    def __init__(self, logging, options="", flag="-f", extra="", recursion="no"):
        self.directory = tempfile.TemporaryDirectory(prefix="umaya-logging-")
        self.port = free_port()
        self.write("ex.test", ZONE)
        self.conf = (f'options {{ directory "{self.directory.name}"; pid-file "{self.path("named.pid")}"; '
                     f'listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion {recursion}; {options} }};\n'
                     f'zone "ex.test" {{ type primary; file "ex.test"; {extra} }};\n')
        self.write("named.conf", self.conf + logging)
        with open(self.path("stderr"), "w") as log:
            self.process = subprocess.Popen([PROGRAM, flag, "-n", "2", "-L", self.path("own.log"), "-c", self.path("named.conf")],
                                            stderr=log)
        wait_for(self.answers, 15, "named-lite answers")
        wait_for(lambda: "running" in self.read("own.log") + self.read("stderr"), 10, "and the parent knows it")

    def answers(self):
        try:
            return self.ask("mail.ex.test")
        except OSError:
            return None

    def ask(self, name, kind="A", number=7):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(("127.0.0.1", self.port))
            s.send(question(name, kind, number))
            return s.recv(4096)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def read(self, name):
        try:
            with open(self.path(name)) as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def ndc(self, *words):
        done = subprocess.run([PROGRAM, "ndc", "-s", self.path("named.ndc"), *words], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait(10)
        self.directory.cleanup()


class Logging(unittest.TestCase):
    def start(self, *arguments, **more):
        return self.enterContext(Logger(*arguments, **more))

    def test_each_question_has_a_line_in_the_form_of_BIND(self):
        server = self.start(f"logging {{ {CHANNELS} category queries {{ queries; }}; category default {{ rest; }}; }};\n")
        server.ask("Unknown.ex.test", "MX")
        wait_for(lambda: "Unknown" in server.read("queries.log"), 10, "the question is in the log")
        line = server.read("queries.log").splitlines()[-1]
        self.assertRegex(line, r"^\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3} queries: info: client @0x[0-9a-f]+ 127\.0\.0\.1#\d+ "
                               r"\(Unknown\.ex\.test\): query: Unknown\.ex\.test IN MX \+ \(127\.0\.0\.1\)$")
        self.assertIn("zoneload: zone ex.test./IN: loaded serial 1", server.read("rest.log"))
        self.assertNotIn("query:", server.read("rest.log"))

    def test_the_log_of_questions_is_switched_while_the_server_runs(self):
        server = self.start(f"logging {{ {CHANNELS} category queries {{ queries; }}; category default {{ rest; }}; }};\n",
                            "querylog no;")
        server.ask("one.ex.test")
        self.assertIn("query logging is OFF", server.ndc("status")[1])
        self.assertEqual(server.ndc("querylog", "on"), (0, "query logging is now on\n"))
        wait_for(lambda: server.ask("two.ex.test") and "two" in server.read("queries.log"), 10, "questions are in the log")
        self.assertNotIn("one.ex.test", server.read("queries.log"))
        self.assertEqual(server.ndc("querylog"), (0, "query logging is now off\n"))
        time.sleep(0.5)  # what is on its way comes yet
        before = server.read("queries.log")
        server.ask("three.ex.test")
        self.assertEqual(server.ndc("trace", "2"), (0, "debug level is now 2\n"))
        self.assertEqual(server.ndc("trace")[1], "debug level is now 3\n")
        self.assertIn("debug level: 3", server.ndc("status")[1])
        self.assertEqual(server.ndc("notrace")[1], "debug level is now 0\n")
        time.sleep(0.5)
        self.assertEqual(server.read("queries.log"), before)
        server.write("named.conf", server.conf.replace("querylog no;", "querylog yes;") +
                     f"logging {{ {CHANNELS} category queries {{ rest; }}; category default {{ null; }}; }};\n")
        self.assertEqual(server.ndc("reload")[0], 0)
        wait_for(lambda: server.ask("four.ex.test") and "four" in server.read("rest.log"), 10, "and after a reload elsewhere")

    def test_refusals_and_failures_are_told_where_their_categories_are_named(self):
        server = self.start(f"logging {{ {CHANNELS} category security {{ queries; }}; category query-errors {{ queries; }};\n"
                            "category default { rest; }; };\n", extra="allow-transfer { 127.0.0.1; };")
        self.assertEqual(rcode(server.ask("elsewhere.test")), 5)
        wait_for(lambda: "query failed" in server.read("queries.log"), 10, "it is in the log")
        text = server.read("queries.log")
        self.assertIn("security: info: client @0x", text)
        self.assertIn("(elsewhere.test): query 'elsewhere.test/A/IN' denied", text)
        self.assertIn("query-errors: info: ", text)
        self.assertIn("query failed (REFUSED) for elsewhere.test/IN/A", text)
        self.assertNotIn("query: ", text)

    def test_a_rate_limit_that_begins_to_act_has_one_line(self):
        logging = f"logging {{ {CHANNELS} category rate-limit {{ queries; }}; category default {{ rest; }}; }};\n"
        for log_only, words in (("", "limits answers to"), ("log-only yes;", "would limit answers to")):
            server = self.start(logging, f"rate-limit {{ responses-per-second 3; nxdomains-per-second 50; window 5; {log_only} }};")
            for i in range(40):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.sendto(question("mail.ex.test", "A", i), ("127.0.0.1", server.port))
            wait_for(lambda: words in server.read("queries.log"), 10, "it is told")
            lines = server.read("queries.log").splitlines()
            self.assertLessEqual(len(lines), 2, "a line for each process that answers")
            for line in lines:
                self.assertRegex(line, rf"rate-limit: info: {words} 127\.0\.0\.0/24 for 'mail\.ex\.test/A'$")
            self.assertNotIn("rate-limit", server.read("rest.log"))

    def test_what_other_servers_do_not_answer_is_told_as_a_failure(self):
        server = self.start(f"logging {{ {CHANNELS} category query-errors {{ queries; }}; category default {{ rest; }}; }};\n",
                            f"resolver-query-timeout 1; forward only; forwarders port {free_port()} {{ 127.0.0.1; }};",
                            recursion="yes")
        self.assertEqual(rcode(server.ask("www.far.test")), 2)
        wait_for(lambda: "query failed (SERVFAIL) for www.far.test/IN/A" in server.read("queries.log"), 10, "it is in the log")
        self.assertEqual(server.read("queries.log").count("www.far.test/IN/A"), 1)
        self.assertRegex(server.read("queries.log"), r"client @0x[0-9a-f]+ 127\.0\.0\.1#\d+ \(www\.far\.test\): query failed")

    def test_g_sends_everything_to_standard_error(self):
        server = self.start(f"logging {{ {CHANNELS} category queries {{ queries; }}; category default {{ rest; }}; }};\n",
                            "querylog yes;", flag="-g")
        server.ask("www.ex.test")
        wait_for(lambda: "query: www.ex.test IN A" in server.read("stderr"), 10, "the question")
        self.assertEqual((server.read("queries.log"), server.read("rest.log")), ("", ""))

    def test_without_a_statement_lines_go_where_they_always_went(self):
        server = self.start("")
        self.assertEqual(server.ndc("querylog", "on")[0], 0)
        wait_for(lambda: server.ask("www.ex.test") and "query: www.ex.test IN A" in server.read("own.log"), 10, "the question")

    def test_a_flood_of_questions_fills_files_of_bounded_size_and_loses_no_answer(self):
        server = self.start(f"logging {{ {CHANNELS} category queries {{ queries; }}; category default {{ rest; }}; }};\n")
        for number in range(6000):
            self.assertEqual(answers(server.ask("mail.ex.test", number=number)), 1)
        wait_for(lambda: os.path.exists(server.path("queries.log.1")), 10, "old files are put aside")
        for name in ("queries.log", "queries.log.0", "queries.log.1"):
            self.assertLessEqual(os.path.getsize(server.path(name)), 200 << 10)
        self.assertFalse(os.path.exists(server.path("queries.log.2")))
        lines = "".join(server.read(f"queries.log{end}") for end in ("", ".0", ".1")).splitlines()
        self.assertTrue(all(re.search(r"query: mail\.ex\.test IN A \+ \(127\.0\.0\.1\)$", line) for line in lines))

    def test_lines_of_all_processes_come_there_and_a_dead_one_is_told(self):
        server = self.start(f"logging {{ {CHANNELS} category default {{ rest; }}; }};\n")
        with open(f"/proc/{server.process.pid}/task/{server.process.pid}/children") as f:
            children = f.read().split()
        for pid in children:
            with open(f"/proc/{pid}/comm") as f:
                if f.read().strip() == "named-query0":
                    os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: "the query0 process was killed by signal 9" in server.read("rest.log"), 10, "the parent's line is there")
        self.assertEqual(server.ndc("reload")[0], 0)
        self.assertIn("reload complete", server.read("rest.log"))


if __name__ == "__main__":
    unittest.main()
