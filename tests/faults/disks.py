"""disks - small ext4 file systems on loop files, whose power can be cut"""

import fcntl
import os
import signal
import struct
import subprocess
import tempfile
import time

EXT4_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = 2


def unavailable():
    """Why power cuts cannot be tried here, or None."""
    if os.geteuid() != 0:
        return "needs root (loop devices and mounts)"
    if not os.path.exists("/dev/loop-control"):
        return "needs loop devices"
    if subprocess.run(["sh", "-c", "command -v mkfs.ext4"], capture_output=True).returncode != 0:
        return "needs mkfs.ext4 (e2fsprogs)"
    return None


def kill_users(top):
    """Kills every process that has a file or its directory below top: commands, orphans."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            links = [f"/proc/{pid}/cwd", *(f"/proc/{pid}/fd/{fd}" for fd in os.listdir(f"/proc/{pid}/fd"))]
            if int(pid) != os.getpid() and any(os.readlink(link).startswith(top + "/") for link in links):
                os.kill(int(pid), signal.SIGKILL)
        except OSError:
            pass  # it has ended


class Disk:
    def __init__(self, mount_point, megabytes=256):
        self.image = tempfile.mktemp(prefix="umaya-disk-", suffix=".img")
        self.mount_point = mount_point
        with open(self.image, "wb") as f:
            f.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", self.image], check=True)
        os.makedirs(mount_point, exist_ok=True)
        self.mount()

    def mount(self):
        # A long commit interval: what is not flushed explicitly is really lost.
        subprocess.run(["mount", "-o", "loop,commit=600", self.image, self.mount_point], check=True)

    def cut_power(self):
        fd = os.open(self.mount_point, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        for _ in range(200):
            done = subprocess.run(["umount", self.mount_point], capture_output=True, text=True)
            if done.returncode == 0 or "not mounted" in done.stderr:
                return
            kill_users(self.mount_point)
            time.sleep(0.05)
        raise RuntimeError(f"umount {self.mount_point}: {done.stderr.strip()}")

    def close(self):
        self.unmount()
        os.unlink(self.image)
