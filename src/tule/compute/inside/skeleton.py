"""The root that instances see: a small tmpfs with read-only binds of the host's programs, and nothing else of the host.

Built once for each zygote, in a mount namespace of its own; the zygote sits in it, and an instance's mount namespace is a copy
of it plus its own /proc and /tmp.
"""

import base64
import errno
import os

from . import syscalls as sys_
from .privileges import FUNCTION_GID, FUNCTION_UID

PROGRAMS = ("usr", "bin", "sbin", "lib", "lib64", "lib32", "libx32")
ETC = (
    "alternatives", "ca-certificates", "crypto-policies", "debian_version", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "mime.types",
    "os-release", "pki", "protocols", "services", "ssl", "system-release", "terminfo", "timezone",
)  # fmt: skip
DEVICES = ("null", "zero", "full", "random", "urandom")
DIRECTORIES = ("dev", "etc", "home", "mnt", "opt", "proc", "run", "sys", "tmp", "var/lang", "var/rapid", "var/runtime", "var/task", "var/tmp")

HOME = "/home/sbx_user1051"  # AWS: the user that functions run as
PASSWD = "root:x:0:0:root:/root:/sbin/nologin\nsbx_user1051:x:%d:%d::%s:/sbin/nologin\n" % (FUNCTION_UID, FUNCTION_GID, HOME)
GROUP = "root:x:0:\nsbx_user1051:x:%d:\n" % FUNCTION_GID


def enter(root, binds, files):
    """Build the root at the empty directory `root` and make it this process's own.

    `binds` are (host path, path inside) shown read-only; `files` are path inside -> base64 text.  The host's /proc
    is there for the zygote, and because a user namespace may mount its own only where one is visible; instances cover it.
    """
    sys_.unshare(sys_.CLONE_NEWNS)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    sys_.mount("root", root, "tmpfs", sys_.MS_NOSUID | sys_.MS_NODEV, "mode=755,size=16m")
    for name in DIRECTORIES:
        os.makedirs(os.path.join(root, name), 0o755, exist_ok=True)
    for name in PROGRAMS:
        _program_directory(root, name)
    for name in ETC:
        if os.path.exists("/etc/" + name):
            _bind("/etc/" + name, root + "/etc/" + name)
    _devices(root)
    os.makedirs(root + HOME, 0o755, exist_ok=True)
    _write(root, "/etc/passwd", PASSWD.encode())
    _write(root, "/etc/group", GROUP.encode())
    for path, text in files.items():
        _write(root, path, base64.b64decode(text))
    for source, target in binds:
        _bind(source, root + target)
    _attach(sys_.clone_tree("/proc", read_only=False), root + "/proc")
    os.chdir(root)
    sys_.pivot_root(".", ".")
    sys_.umount(".", sys_.MNT_DETACH)
    os.chdir("/")


def _program_directory(root, name):
    if os.path.islink("/" + name):
        os.symlink(os.readlink("/" + name), os.path.join(root, name))
    elif os.path.isdir("/" + name):
        _bind("/" + name, os.path.join(root, name))


def _bind(source, target):
    source = os.path.realpath(source)
    if os.path.isdir(source):
        os.makedirs(target, 0o755, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
        _touch(target)
    _attach(sys_.clone_tree(source), target)


def _attach(fd, target):
    sys_.attach_tree(fd, target)
    os.close(fd)


def _devices(root):
    for name in DEVICES:
        path = root + "/dev/" + name
        _touch(path)
        sys_.mount("/dev/" + name, path, "", sys_.MS_BIND)
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        os.symlink(target, root + "/dev/" + name)


def _touch(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _write(root, path, data):
    """A file of the root; over a file of the host's that is shown read-only, it is laid as a mount."""
    full = root + path
    try:
        os.makedirs(os.path.dirname(full), 0o755, exist_ok=True)
        if os.path.islink(full):
            os.unlink(full)
        _create(full, data)
    except OSError as error:
        if error.errno != errno.EROFS or not os.path.exists(full):
            raise
        aside = root + "/var/rapid" + path
        os.makedirs(os.path.dirname(aside), 0o755, exist_ok=True)
        _create(aside, data)
        sys_.mount(aside, os.path.realpath(full), "", sys_.MS_BIND)


def _create(path, data):
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    while data:
        data = data[os.write(fd, data) :]
    os.close(fd)
