"""database_peers - PostgreSQL, MariaDB and OpenLDAP from Debian's packages, each in a throwaway directory

    with Postgres(work) as database:
        database.run("CREATE TABLE a(k text, v text)")
        cf = f"hosts = {database.unix_host}\\n…"

The packages are unpacked into the build folder and run from there, on a socket in the directory and on a port of the
loopback. When root runs the test it is an account that owns nothing which runs them, and they appear beneath the directory
in a mount namespace of theirs: the build folder may lie where that account cannot go. stop() and start() are what an administrator does; kill() is a
crash.
"""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from umaya_instance import BUILD, free_port, wait_for

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import sandbox  # noqa: E402

STORE = os.path.join(BUILD, "peers")
PASSWORD = "p'a\\ss w\"ord"


def account():
    """Who runs the servers: (uid, gid), nobody in place of root."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


class Server:
    name = ""
    packages = []

    def __init__(self, work=None):
        self.roots = sandbox.download(self.packages, STORE)
        self.directory = tempfile.mkdtemp(prefix=f"umaya-{self.name}-", dir=work)
        os.chmod(self.directory, 0o755)
        os.chown(self.directory, *account())
        self.port = free_port()
        self.process = None
        self.data = os.path.join(self.directory, "data")
        self.log_path = os.path.join(self.directory, "log")
        self.store = os.path.join(self.directory, "store") if os.geteuid() == 0 else STORE
        os.makedirs(self.store, exist_ok=True)
        self.environment = dict(os.environ, LD_LIBRARY_PATH=self.seen(sandbox.library_path(self.roots)), LC_ALL="C",
                                TZ="UTC", HOME=self.directory)

    def find(self, *parts):
        for root in self.roots:
            found = glob.glob(os.path.join(root, *parts))
            if found:
                return found[0]
        raise FileNotFoundError("/".join(parts))

    def path(self, *parts):
        return self.seen(self.find(*parts))

    def seen(self, paths):
        """Paths in the store as the server sees them."""
        return paths.replace(STORE, self.store)

    def as_owner(self, command):
        """The command as run by the account, with the packages beneath the directory."""
        if os.geteuid() != 0:
            return list(command)
        uid, gid = account()
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$1" "$2" && shift 2 && exec "$@"', "sh", STORE, self.store,
                "setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", "--pdeathsig=KILL", *command]

    def call(self, *command, input=None):
        done = subprocess.run(self.as_owner(command), cwd=self.directory, env=self.environment, input=input, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.returncode}: {done.stdout[-3000:]}")
        return done.stdout

    def launch(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(self.as_owner(self.command()), cwd=self.directory, env=self.environment,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            preexec_fn=sandbox.die_with_parent)

    def start(self):
        """Again and again: the children of a server that was killed hold its memory for a while."""
        self.launch()

        def is_up():
            if self.process.poll() is not None:
                time.sleep(0.5)
                self.launch()
            return self.answers()

        try:
            wait_for(is_up, 60, f"{self.name} answers")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.log()}") from error

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        self.stop(signal.SIGKILL)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()[-4000:]

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        self.prepare()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Postgres(Server):
    name = "postgres"
    packages = ["postgresql-15", "postgresql-client-15"]

    def prepare(self):
        password = os.path.join(self.directory, "password")
        with open(password, "w") as f:
            f.write(PASSWORD + "\n")
        os.chown(password, *account())
        self.call(self.path("usr/lib/postgresql/15/bin/initdb"), "-D", self.data, "-U", "mail", "--pwfile", password, "-E", "UTF8",
                  "--locale=C", "--no-sync", "--auth=scram-sha-256")
        self.environment["PGPASSWORD"] = PASSWORD
        self.unix_host = f"unix:{self.directory}:{self.port}"
        self.inet_host = f"inet:127.0.0.1:{self.port}"

    def command(self):
        return [self.path("usr/lib/postgresql/15/bin/postgres"), "-D", self.data, "-k", self.directory, "-p", str(self.port),
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "jit=off", "-c", "timezone=UTC", "-c",
                "log_timezone=UTC", "-c", "max_connections=60"]

    def answers(self):
        return self.listens() and "ready" in self.log().rsplit("starting PostgreSQL", 1)[-1]

    def stop(self, how=signal.SIGINT):
        super().stop(how)

    def kill(self):
        """The server and its processes for connections, at once."""
        children = []
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as f:
            children = [int(pid) for pid in f.read().split()]
        self.stop(signal.SIGKILL)
        for pid in children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.unlink(os.path.join(self.data, "postmaster.pid"))

    def run(self, sql):
        return self.call(self.path("usr/lib/postgresql/15/bin/psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h",
                         self.directory, "-p", str(self.port), "-U", "mail", "-d", "postgres", input=sql)

    def parameters(self, hosts=None):
        return f"hosts = {hosts or self.unix_host}\nuser = mail\npassword = {PASSWORD}\ndbname = postgres\n"


class MariaDb(Server):
    name = "mariadb"
    packages = ["mariadb-server-core", "mariadb-client-core"]
    SCRIPTS = ["mariadb_system_tables.sql", "mariadb_system_tables_data.sql", "mysql_system_tables.sql",
               "mysql_system_tables_data.sql"]

    def options(self):
        return ["--no-defaults", f"--basedir={self.path('usr')}", f"--datadir={self.data}", "--skip-log-bin",
                f"--lc-messages-dir={self.path('usr/share/mysql')}", "--innodb-buffer-pool-size=16M",
                "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=2", f"--plugin-dir={self.directory}",
                "--character-set-server=utf8mb4"]

    def prepare(self):
        os.mkdir(self.data)
        os.chown(self.data, *account())
        share = self.find("usr/share/mysql")
        text = "CREATE DATABASE mysql;\nUSE mysql;\n"
        for script in self.SCRIPTS:
            if os.path.exists(f"{share}/{script}"):
                with open(f"{share}/{script}") as f:
                    text += f.read()
        secret = PASSWORD.replace("\\", "\\\\").replace("'", "\\'")
        text += ("FLUSH PRIVILEGES;\nCREATE DATABASE mail CHARACTER SET utf8mb4;\n"
                 f"CREATE USER mail IDENTIFIED BY '{secret}';\nGRANT ALL ON *.* TO mail;\n")
        self.call(self.path("usr/sbin/mariadbd"), *self.options(), "--bootstrap", input=text)
        self.socket = os.path.join(self.directory, "socket")
        self.unix_host = f"unix:{self.socket}"
        self.inet_host = f"inet:127.0.0.1:{self.port}"

    def command(self):
        return [self.path("usr/sbin/mariadbd"), *self.options(), f"--socket={self.socket}", f"--port={self.port}",
                "--bind-address=127.0.0.1", "--skip-name-resolve", f"--pid-file={self.directory}/pid"]

    def answers(self):
        return self.listens() and "ready for connections" in self.log().rsplit("starting as process", 1)[-1]

    def run(self, sql):
        return self.call(self.path("usr/bin/mariadb"), "--no-defaults", f"--socket={self.socket}", "-umail",
                         f"-p{PASSWORD}", "--default-character-set=utf8mb4", "-N", "mail", input=sql)

    def parameters(self, hosts=None):
        return f"hosts = {hosts or self.unix_host}\nuser = mail\npassword = {PASSWORD}\ndbname = mail\n"


class OpenLdap(Server):
    name = "slapd"
    packages = ["slapd"]
    SCHEMA = """\
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'maildrop' SUP mail )
attributetype ( 1.3.6.1.4.1.99999.1.2 NAME 'mailacceptinggeneralid' SUP mail )
attributetype ( 1.3.6.1.4.1.99999.1.3 NAME 'terminalMail' SUP mail )
attributetype ( 1.3.6.1.4.1.99999.1.4 NAME 'leafMail' SUP mail )
attributetype ( 1.3.6.1.4.1.99999.1.5 NAME 'memberUrl' SUP labeledURI )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'mailThing' SUP top STRUCTURAL MUST cn
  MAY ( mail $ maildrop $ mailacceptinggeneralid $ terminalMail $ leafMail $ member $ memberUrl $ userPassword $ uid ) )
"""

    def __init__(self, work=None, tls=""):
        super().__init__(work)
        self.tls = tls
        self.tls_port = free_port()

    def prepare(self):
        os.mkdir(self.data)
        schema = self.path("etc/ldap/schema")
        secret = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
        config = "".join(f"include {schema}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        config += (self.SCHEMA + f"modulepath {self.path('usr/lib/ldap')}\nmoduleload back_mdb\n{self.tls}"
                   f"pidfile {self.directory}/pid\nallow bind_v2\ndatabase mdb\nmaxsize 10485760\n"
                   f"suffix \"dc=example,dc=test\"\nrootdn \"cn=admin,dc=example,dc=test\"\nrootpw \"{secret}\"\n"
                   f"directory {self.data}\n")
        self.config = os.path.join(self.directory, "slapd.conf")
        with open(self.config, "w") as f:
            f.write(config)
        for path in (self.data, self.config):
            os.chown(path, *account())
        self.socket = os.path.join(self.directory, "ldapi")
        self.unix_host = "ldapi://" + self.socket.replace("/", "%2F")
        self.inet_host = f"ldap://127.0.0.1:{self.port}"
        self.tls_host = f"ldaps://127.0.0.1:{self.tls_port}"

    def load(self, ldif):
        """Before start()."""
        self.call(self.path("usr/sbin/slapadd"), "-q", "-f", self.config, input=ldif)

    def command(self):
        urls = f"{self.unix_host} {self.inet_host}" + (f" ldaps://127.0.0.1:{self.tls_port}" if self.tls else "")
        return [self.path("usr/sbin/slapd"), "-d", "stats", "-f", self.config, "-h", urls]

    def answers(self):
        return self.listens() and "slapd starting" in self.log()


class StockPostmap:
    """Postfix's own postmap with its database clients, for the same .cf files."""
    packages = ["postfix", "postfix-pgsql", "postfix-mysql", "postfix-sqlite", "postfix-ldap"]

    def __init__(self, work):
        roots = sandbox.download(self.packages, STORE)
        self.directory = os.path.join(work, "postfix")
        self.libraries = os.path.join(self.directory, "lib")
        self.config = os.path.join(self.directory, "etc")
        for path in (self.directory, self.libraries, self.config):
            os.mkdir(path)
        lines = []
        for root in roots:
            for module in glob.glob(f"{root}/usr/lib/postfix/*.so*"):
                target = os.path.join(self.libraries, os.path.basename(module))
                if not os.path.exists(target):
                    os.symlink(module, target)
        for kind in ("pgsql", "mysql", "sqlite", "ldap"):
            lines.append(f"{kind}\tpostfix-{kind}.so\tdict_{kind}_open\n")
        with open(f"{self.config}/dynamicmaps.cf", "w") as f:
            f.writelines(lines)
        with open(f"{self.config}/main.cf", "w") as f:
            f.write(f"compatibility_level = 3.6\nshlib_directory = {self.libraries}\nmeta_directory = {self.config}\n"
                    f"mail_owner = games\nsetgid_group = mail\nmyhostname = stock.test\nqueue_directory = {self.directory}\n"
                    f"data_directory = {self.directory}\n")
        self.program = os.path.join(roots[0], "usr/sbin/postmap")
        self.environment = dict(os.environ, LC_ALL="C", LD_LIBRARY_PATH=f"{self.libraries}:{sandbox.library_path(roots)}")

    def ask(self, table, key):
        """The value, None for not found, "error" for an error."""
        done = subprocess.run([self.program, "-c", self.config, "-q", key, table], env=self.environment, text=True,
                              capture_output=True, errors="replace", timeout=60)
        self.said = done.stderr
        if done.returncode == 0:
            return done.stdout.removesuffix("\n")
        return "error" if "fatal:" in done.stderr or "error" in done.stderr else None

    def ask_all(self, table, keys):
        """The same for many keys; they are asked one by one only where one of them ends in an error."""
        return answers_of([self.program, "-c", self.config], self.environment, table, keys)


# Keys of a list that ends in an error are asked in processes of their own: one in so many of them.
ASKED_ALONE = int(os.environ.get("UMAYA_COMPARE_EACH", "16"))


def answers_of(postmap, environment, table, keys):
    """What -q says to each key: value, None for not found, "error"; "not asked" for most keys when one fails."""
    done = subprocess.run([*postmap, "-q", "-", table], env=environment, input="".join(key + "\n" for key in keys), text=True,
                          capture_output=True, errors="replace", timeout=120)
    if "fatal:" not in done.stderr:
        found = dict(line.split("\t", 1) for line in done.stdout.splitlines())
        return [found.get(key) for key in keys], done.stderr
    answers, said = [], ""
    for i, key in enumerate(keys):
        if i % ASKED_ALONE:
            answers.append("not asked")
            continue
        done = subprocess.run([*postmap, "-q", key, table], env=environment, text=True, capture_output=True, errors="replace",
                              timeout=60)
        answers.append(done.stdout.removesuffix("\n") if done.returncode == 0 else "error" if "fatal:" in done.stderr else None)
        said = done.stderr or said
    return answers, said
