"""testssl.sh finds nothing above LOW on smtpd's ports."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from tls_peer import Authority, make_key, openssl, read, write_private
from umaya_instance import BUILD, PATIENCE, Instance, free_port

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

NAME = "server.example.test"
HARMLESS = ("OK", "INFO", "LOW", "DEBUG")
# Not findings about the server: what the local openssl cannot try, and a try that found no connection in time.
OF_THE_TOOL = ("engine_problem", "RC4", "old_fart")
NOT_TRIED = "check failed because of connect problem"


def certificate(ca, kind):
    """As a public authority would issue it."""
    base = ca.path(f"server.{kind}")
    make_key(base + ".key", kind)
    openssl("req", "-new", "-key", base + ".key", "-subj", f"/CN={NAME}", "-out", base + ".csr")
    with open(base + ".ext", "w") as f:
        f.write(f"subjectAltName=DNS:{NAME}\ncrlDistributionPoints=URI:http://crl.example.test/x.crl\n"
                "extendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n")
    openssl("x509", "-req", "-in", base + ".csr", "-CA", ca.certificate, "-CAkey", ca.key, "-CAcreateserial", "-days",
            "90", "-extfile", base + ".ext", "-out", base + ".crt")
    write_private(base + ".pem", read(base + ".key") + read(base + ".crt") + read(ca.certificate))
    return base + ".pem"


class TestSsl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            cls.tool, *others = sandbox.download(["testssl.sh", "bsdextrautils", "procps", "ldnsutils"],
                                                 os.path.join(BUILD, "peers"))
        except RuntimeError as error:
            raise unittest.SkipTest(str(error)) from error
        programs = [os.path.join(root, place) for root in others for place in ("usr/bin", "bin")]
        cls.environment = dict(os.environ, PATH=":".join([os.environ["PATH"], *programs]),
                               LD_LIBRARY_PATH=sandbox.library_path(others))
        cls.folder = tempfile.mkdtemp(prefix="umaya-testssl-")
        cls.ca = Authority(os.path.join(cls.folder, "ca"))
        cls.port = free_port()
        chains = f"{certificate(cls.ca, 'rsa')}, {certificate(cls.ca, 'ec')}"
        cls.mail = Instance(users=["alice"], main_cf={"smtpd_tls_chain_files": chains},
                            master_cf=f"127.0.0.1:{cls.port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes")

    @classmethod
    def tearDownClass(cls):
        cls.mail.close()
        shutil.rmtree(cls.folder, ignore_errors=True)

    def check(self, port, *options):
        found = os.path.join(self.folder, f"{port}.json")
        environment = dict(self.environment, TESTSSL_INSTALL_DIR=os.path.join(self.tool, "etc", "testssl"))
        done = subprocess.run(["bash", os.path.join(self.tool, "usr", "bin", "testssl"), "--quiet", "--color", "0",
                               "--warnings", "off", "--nodns", "min", "--ip", "127.0.0.1", "--add-ca",
                               self.ca.certificate, "--jsonfile", found, "--fast", *options, f"{NAME}:{port}"],
                              env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=600 * PATIENCE)
        with open(found) as f:
            findings = json.load(f)
        seen = {row["id"] for row in findings}
        for wanted in ("TLS1_2", "TLS1_3", "cipher_order"):
            self.assertIn(wanted, seen, done.stdout[-3000:])
        bad = [f"{row['severity']} {row['id']}: {row['finding']}" for row in findings
               if row["severity"] not in HARMLESS and row["id"] not in OF_THE_TOOL and row["finding"] != NOT_TRIED]
        self.assertEqual(bad, [])

    def test_nothing_above_LOW_with_STARTTLS(self):
        self.check(self.mail.port, "--protocols", "--std", "--server-preference", "--fs", "--vulnerable", "--starttls",
                   "smtp")

    def test_nothing_above_LOW_with_TLS_from_the_first_byte(self):
        self.check(self.port)


if __name__ == "__main__":
    unittest.main()
