"""named-lite, NSD and BIND give the same answers, or the difference is one that docs/answers.md explains."""

import os
import re
import unittest

import dns_compare
import dns_peers
from umaya_instance import SOURCE

# UMAYA_COMPARE_RECORDS=1000000 is what a release is looked at with; it takes a minute and a GiB more.
QUESTIONS = int(os.environ.get("UMAYA_COMPARE_QUESTIONS", 10000))
RECORDS = int(os.environ.get("UMAYA_COMPARE_RECORDS", 100000))


class Comparison(dns_peers.WithPeers):
    def test_all_questions_over_nine_zones_are_answered_alike(self):
        comparison = dns_compare.compare(QUESTIONS, RECORDS)
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
