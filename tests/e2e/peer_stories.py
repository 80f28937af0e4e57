"""peer_stories - tests that play in a sandbox with other servers beside us

    STORIES = {"postfix": lambda work: exchange(work, Postfix), …}

    class Peers(peer_stories.Stories):
        script, packages = __file__, PACKAGES

        def test_postfix_exchanges_mail_with_us(self):
            self.story("postfix")

    if __name__ == "__main__":
        peer_stories.main(STORIES, PACKAGES)

A story is a function of a directory to work in. It runs in namespaces of its own, with the packages laid over the system.
"""

import os
import subprocess
import sys
import tempfile
import unittest

import mail_peers
from mail_peers import sandbox


class Stories(unittest.TestCase):
    script = ""
    packages = mail_peers.PACKAGES

    @classmethod
    def setUpClass(cls):
        why = sandbox.can_enter()
        if why:
            raise unittest.SkipTest(why)
        try:
            sandbox.download(cls.packages, mail_peers.STORE)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            raise unittest.SkipTest(f"the peers cannot be fetched: {error}") from error

    def story(self, name):
        # What is mounted there can be removed only from outside.
        with tempfile.TemporaryDirectory(prefix="umaya-story-", ignore_cleanup_errors=True) as place:
            os.chmod(place, 0o755)
            done = sandbox.run_inside(os.path.abspath(self.script), name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, errors="replace", timeout=300, env=dict(os.environ, TMPDIR=place))
        self.assertEqual(done.returncode, 0, done.stdout[-12000:])


def main(stories, packages=None):
    """The script of such tests: inside a sandbox it plays the story that is named, else it runs the tests."""
    if not sandbox.inside() or len(sys.argv) < 2:
        unittest.main()
        return
    work = tempfile.mkdtemp(prefix="umaya-peers-")
    os.chmod(work, 0o755)
    try:
        mail_peers.prepare(work, packages)
        stories[sys.argv[1]](work)
    finally:
        if not os.environ.get("UMAYA_KEEP"):
            mail_peers.remove(work)
