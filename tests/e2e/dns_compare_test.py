"""named-lite, NSD and BIND give the same answers, or the difference is one that docs/answers.md explains."""

import os
import re
import subprocess
import unittest

import dns_compare
import dns_peers
from umaya_instance import SOURCE


class Comparison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            dns_peers.fetch()
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the peers cannot be fetched: {error}") from error

    def test_two_thousand_questions_over_eight_zones(self):
        comparison = dns_compare.compare(2000, 4000)
        self.assertEqual(comparison.unexplained, [], comparison.report())
        for peer in ("BIND", "NSD"):
            self.assertGreater(comparison.counts[peer, "same"], 0.8 * comparison.counts[peer, "asked"], comparison.report())

    def test_each_reason_is_documented(self):
        with open(os.path.join(SOURCE, "docs", "answers.md")) as f:
            documented = set(re.findall(r"^\| ([^|]+?) \|", f.read(), re.MULTILINE))
        for reason in dns_compare.REASONS:
            self.assertIn(reason.name, documented)


if __name__ == "__main__":
    unittest.main()
