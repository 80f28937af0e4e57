"""tree_stories - stories of a resolver in a DNS of its own (dns_tree.py), all of a script in one network namespace

    class Stories(tree_stories.Stories):
        def test_a_name_is_found(self):
            self.finds(self.resolver(), "www.leaf.test", WWW)

    IN_TREE = tree_stories.InTree(__file__, Stories)
    ResolverTree = IN_TREE.tests()          # one test for each story; they need root
    del Stories                             # which would be run outside
    if __name__ == "__main__":
        IN_TREE.main()                      # --table [story …] says what each question cost

Each story has a resolver of its own. Every question costs at most 100 questions to other servers and 50 ms of CPU.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import dns_tree
from dns_peers import sandbox
from dns_tree import Resolver, Tree
from lying_server import EVIL, GOOD
from umaya_instance import PATIENCE, SANITIZED

MOST_QUERIES = 100
MOST_CPU = 0.05 * (20 if SANITIZED else 1)
WWW = "198.51.100.20"
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5


def addresses(message):
    """Of the answer section."""
    return [socket.inet_ntoa(record[4][0]) for record in message.sections[0] if record[1] == 1]


def everything(message):
    """The octets, to look for what must not be there."""
    return message.packet


class Stories(unittest.TestCase):
    """What stories in a tree have in common. They are run inside of its namespace by InTree.inside()."""

    tree = None
    work = ""
    table = []

    def resolver(self, options="", statements="", **more):
        directory = tempfile.mkdtemp(dir=self.work, prefix="resolver-")
        running = Resolver(directory, options, statements, **more)
        self.addCleanup(running.close)
        return running

    def ask(self, resolver, name, kind="A", **more):
        """The answer; the limits of work are looked at."""
        cost = resolver.ask(name, kind, **more)
        self.table.append((self._testMethodName, name, kind, cost.queries, cost.cpu, cost.seconds, cost.answer.rcode))
        self.assertLessEqual(cost.queries, MOST_QUERIES, f"questions for {name}")
        self.assertLessEqual(cost.cpu, MOST_CPU, f"CPU seconds for {name}")
        self.assertNotIn(socket.inet_aton(EVIL), everything(cost.answer), f"{name} is told what is false")
        return cost

    def finds(self, resolver, name, expected=GOOD, **more):
        cost = self.ask(resolver, name, **more)
        self.assertEqual((cost.answer.rcode, addresses(cost.answer)), (NOERROR, [expected]), cost.answer.text())
        return cost

    def fails(self, resolver, name, kind="A"):
        cost = self.ask(resolver, name, kind)
        self.assertEqual(cost.answer.rcode, SERVFAIL, cost.answer.text())
        return cost

    def leaf_is_right(self, resolver):
        self.finds(resolver, "www.leaf.test", WWW)

    def asked_of(self, zone, resolver, name, **more):
        """The questions that its server got."""
        before = len(self.tree.liar.asked(zone))
        self.finds(resolver, name, **more)
        return self.tree.liar.asked(zone)[before:]


class Result(unittest.TextTestResult):
    """Keeps what each story ended with."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.outcomes = {}

    def startTest(self, test):
        super().startTest(test)
        self.outcomes[test._testMethodName] = ""

    def note(self, test, error):
        name = getattr(test, "test_case", test)._testMethodName
        self.outcomes[name] = self.outcomes.get(name, "") + f"{test}\n" + self._exc_info_to_string(error, test)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, error)

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, error)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.note(subtest, error)


def show_table(rows):
    print(f"{'question':40} {'type':5} {'rcode':>5} {'queries':>7} {'CPU ms':>7} {'s':>6}  story")
    for story, name, kind, queries, cpu, seconds, rcode in sorted(rows, key=lambda row: -row[3]):
        print(f"{name:40} {kind:5} {rcode:5} {queries:7} {cpu * 1000:7.1f} {seconds:6.2f}  {story[5:60]}")


class InTree:
    def __init__(self, script, stories):
        self.script, self.stories = os.path.abspath(script), stories

    def inside(self, results, names):
        """Runs the stories and writes down how each ended."""
        work = tempfile.mkdtemp(prefix="umaya-tree-")
        os.chmod(work, 0o755)
        try:
            with Tree(work) as tree:
                self.stories.tree, self.stories.work = tree, work
                names = names or unittest.defaultTestLoader.getTestCaseNames(self.stories)
                suite = unittest.TestSuite(self.stories(name) for name in names)
                outcome = unittest.TextTestRunner(verbosity=2, resultclass=Result).run(suite)
            with open(results, "w") as f:
                json.dump({"outcomes": outcome.outcomes, "table": self.stories.table}, f)
        finally:
            if not os.environ.get("UMAYA_KEEP"):
                shutil.rmtree(work, ignore_errors=True)

    def run(self, *names):
        """Outcomes and table; an exception when the tree did not come up."""
        with tempfile.TemporaryDirectory() as directory:
            results = os.path.join(directory, "results")
            done = sandbox.run_inside(self.script, "--inside", results, *names, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900 * PATIENCE)
            if not os.path.exists(results):
                raise AssertionError(done.stdout[-12000:])
            with open(results) as f:
                return json.load(f)

    def tests(self):
        """A test case with one test for each story."""
        run = self.run

        def set_up(cls):
            why = sandbox.can_enter()
            if why:
                raise unittest.SkipTest(why)
            try:
                dns_tree.fetch()
            except (RuntimeError, subprocess.CalledProcessError) as error:
                raise unittest.SkipTest(f"the peers cannot be fetched: {error}") from error
            cls.outcomes = run()["outcomes"]

        def test_of(name):
            def story(case):
                if case.outcomes[name]:
                    case.fail(case.outcomes[name])
            return story
        names = unittest.defaultTestLoader.getTestCaseNames(self.stories)
        return type("InTree", (unittest.TestCase,), {"setUpClass": classmethod(set_up), **{name: test_of(name) for name in names}})

    def main(self):
        if sandbox.inside():
            sandbox.loopback_up()
            self.inside(sys.argv[2], sys.argv[3:])
        elif sys.argv[1:2] == ["--table"]:
            dns_tree.fetch()
            show_table(self.run(*sys.argv[2:])["table"])
        else:
            unittest.main()
