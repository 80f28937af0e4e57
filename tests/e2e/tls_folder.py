"""tls_folder - what stories about TLS have in common: a folder with an authority, an instance that asks no name server

    class Story(Folder):
        def test_something(self):
            with Instance(main_cf={"smtpd_tls_chain_files": self.ca.issue("one.test")}) as mail:
                self.wait_certificate(mail.port, "one.test")
"""

import os
import shutil
import tempfile
import unittest

import umaya_instance
from tls_peer import Authority, presented
from umaya_instance import wait_for


class Instance(umaya_instance.Instance):
    """Asks no name server about the many clients of these stories."""

    def __init__(self, main_cf=None, **options):
        super().__init__(main_cf={"smtpd_peername_lookup": "no", **(main_cf or {})}, **options)


class Folder(unittest.TestCase):
    """A folder for certificates, and an authority in it."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="umaya-tls-")
        os.chmod(cls.folder, 0o755)
        cls.ca = Authority(os.path.join(cls.folder, "ca"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def wait_certificate(self, port, wanted, seconds=8, **options):
        wait_for(lambda: presented(port, **options) == wanted, seconds, f"certificate {wanted}", pause=0.3)
