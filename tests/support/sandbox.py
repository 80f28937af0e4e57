"""sandbox - run a peer or a benchmark so that nothing of it stays on the system

enter() starts the calling script again in private mount, PID and network namespaces: what is mounted, started or
listened on there is gone when the script ends, even if it is killed. Inside, add_packages() makes Debian packages look
installed (unpacked into the build folder, laid over /usr read-only), add_accounts() adds users to a private copy of
/etc/passwd and /etc/group, and private_dev() gives a /dev of our own with a syslog socket.

Needs root; can_enter() says why not.
"""

import ctypes
import fcntl
import functools
import os
import socket
import struct
import subprocess
import sys
import threading

MARK = "UMAYA_SANDBOX"
# Process 1 of the PID namespace: a shell, because it takes care of orphans when they end.
UNSHARE = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-c",
           '"$0" "$@"; exit $?', sys.executable]


def can_enter():
    """None when enter() would work, else the reason for a skip message."""
    if os.geteuid() != 0:
        return "needs root (mount and network namespaces)"
    probe = subprocess.run(["unshare", "--mount", "--pid", "--net", "--fork", "true"], capture_output=True)
    return None if probe.returncode == 0 else "namespaces are not available: " + probe.stderr.decode().strip()


def inside():
    return os.environ.get(MARK) == "1"


def enter():
    """Replaces this process by the same script inside the namespaces. Returns only when already inside."""
    if not inside():
        os.environ[MARK] = "1"
        os.execvp("unshare", UNSHARE + sys.argv)
    loopback_up()


def run_inside(script, *arguments, **options):
    """Runs a Python script inside fresh namespaces; options are those of subprocess.run."""
    environment = dict(options.pop("env", os.environ), **{MARK: "1"})
    return subprocess.run(UNSHARE + [script, *arguments], env=environment, **options)


def loopback_up():
    with socket.socket() as s:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(s, 0x8913, request))[1]  # SIOCGIFFLAGS
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", flags | 1))  # SIOCSIFFLAGS, IFF_UP


def mount(source, target, kind="", options=""):
    subprocess.run(["mount", *(["-t", kind] if kind else []), *(["-o", options] if options else []), source, target],
                   check=True)


def bind(source, target):
    mount(source, target, options="bind")


@functools.cache
def installed():
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"], capture_output=True, text=True)
    return {line.split()[1] for line in shown.stdout.splitlines() if line.startswith("ii")}


def missing_libraries(package):
    """Libraries that the package needs, itself or by others, and that this system has not: a small Debian lacks many."""
    depends = subprocess.run(["apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts",
                              "--no-breaks", "--no-replaces", "--no-enhances", package], capture_output=True, text=True)
    names = {line.strip() for line in depends.stdout.splitlines() if line.startswith("lib")}
    return sorted(name for name in names - installed() - {package} if ":" not in name)


def fetch(package, archives):
    """The package's file, downloaded with apt's own client unless it is there."""
    for name in os.listdir(archives):
        if name.startswith(package + "_") and name.endswith(".deb"):
            return os.path.join(archives, name)
    fetched = subprocess.run(["apt-get", "download", package], cwd=archives, capture_output=True, text=True)
    if fetched.returncode == 0:
        return fetch(package, archives)
    raise RuntimeError(f"apt-get download {package}: {fetched.stderr.strip()}")


def download(packages, store):
    """Unpacks each package below store/<package>/, with the libraries that it needs; gives their directories. Call before
    enter()."""
    os.makedirs(store, exist_ok=True)
    roots = [os.path.join(store, package) for package in packages]
    with open(os.path.join(store, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs may want the same package at the same time
        for package, root in zip(packages, roots):
            if not os.path.isdir(root):
                unpack(package, root, os.path.join(store, "archives"))
    return roots


def unpack(package, root, archives):
    os.makedirs(archives, exist_ok=True)
    for each in (package, *missing_libraries(package)):
        subprocess.run(["dpkg", "-x", fetch(each, archives), root + ".new"], check=True)
    os.rename(root + ".new", root)


def library_path(roots):
    """LD_LIBRARY_PATH for programs that run where they were unpacked."""
    places = [os.path.join(root, place, triplet) for root in roots for place in ("usr/lib", "lib")
              for triplet in ("x86_64-linux-gnu", "aarch64-linux-gnu")]
    return ":".join(place for place in places if os.path.isdir(place))


def add_packages(roots):
    """Lays the packages' /usr and /etc under the system's own, read-only, in this mount namespace."""
    for top in ("usr", "etc"):
        layers = [f"{r}/{top}" for r in roots if os.path.isdir(f"{r}/{top}")]
        if layers:
            mount("overlay", f"/{top}", "overlay", f"lowerdir=/{top}:{':'.join(layers)}")
    # Libraries that Debian keeps in /lib live in /usr/lib on a merged system; one overlay, as they cannot be piled up.
    layers = [f"{r}/lib" for r in roots if os.path.isdir(f"{r}/lib")]
    if layers:
        mount("overlay", "/usr/lib", "overlay", f"lowerdir=/usr/lib:{':'.join(layers)}")


def add_accounts(work, users=(), groups=()):
    """users: (name, uid, gid, home); groups: (name, gid). Only this mount namespace sees them."""
    for name, rows in (("passwd", [f"{n}:x:{u}:{g}::{h}:/bin/sh" for n, u, g, h in users]),
                       ("group", [f"{n}:x:{g}:" for n, g in groups])):
        private = os.path.join(work, name)
        with open(f"/etc/{name}") as old, open(private, "w") as new:
            new.write(old.read() + "".join(row + "\n" for row in rows))
        bind(private, f"/etc/{name}")


def private_dev(work):
    """A small /dev of our own, with a syslog socket that throws its input away. Gives the path of the socket."""
    stage = os.path.join(work, "dev")
    os.makedirs(stage, exist_ok=True)
    mount("tmpfs", stage, "tmpfs", "mode=755")
    for node in ("null", "zero", "full", "random", "urandom", "tty", "loop-control",
                 *[f"loop{i}" for i in range(8)]):
        if os.path.exists(f"/dev/{node}"):
            open(f"{stage}/{node}", "w").close()
            bind(f"/dev/{node}", f"{stage}/{node}")
    os.symlink("/proc/self/fd", f"{stage}/fd")
    os.makedirs(f"{stage}/shm")
    mount("tmpfs", f"{stage}/shm", "tmpfs", "mode=1777")
    mount(stage, "/dev", options="rbind")
    return "/dev/log"


def syslog_sink(path, keep=None):
    """Reads the syslog socket in a thread; keep is called with each line when given."""
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sink.bind(path)
    os.chmod(path, 0o666)

    def read():
        room = bytearray(8192)
        while True:
            size = sink.recv_into(room)
            if keep:
                keep(bytes(room[:size]).decode(errors="replace"))

    threading.Thread(target=read, daemon=True).start()
    return sink


def die_with_parent():
    """For preexec_fn: the child is killed when its parent ends."""
    ctypes.CDLL(None).prctl(1, 9)
