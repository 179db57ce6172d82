"""Giving up privileges: user id, capabilities, new privileges, resource limits, Landlock and seccomp."""

import os
import resource
import signal
import struct

from . import landlock, seccomp
from . import syscalls as sys_

LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x20080522
FUNCTION_UID, FUNCTION_GID = 993, 990  # AWS: sbx_user1051
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty")


def drop_for_code(order, features):
    """For the process that will run the function's code."""
    os.setsid()
    os.umask(0o022)
    _limit(order)
    _drop_identity(order, features)
    if features["inner_user"]:
        _enter_own_user_namespace()
    elif features["no_new_privs"]:
        _drop_capabilities()
    if features["no_new_privs"]:
        sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)
        sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    if features["landlock"]:
        landlock.restrict(order["readable"], [*order["writable"], *DEVICES])
    if features["seccomp"]:
        seccomp.restrict()


def _limit(order):
    _set(resource.RLIMIT_CORE, 0)
    _set(resource.RLIMIT_NOFILE, order["open_files"])
    if order["file_mb"]:
        _set(resource.RLIMIT_FSIZE, order["file_mb"] << 20)
    if order["processes"]:
        _set(resource.RLIMIT_NPROC, order["processes"])


def _set(kind, limit):
    hard = resource.getrlimit(kind)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(kind, (limit, limit))


def _drop_identity(order, features):
    if features["no_new_privs"]:
        _drop_bounding_set()
    if order["uid"]:
        os.setgroups([])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])


def _enter_own_user_namespace():
    """The user that functions are on AWS, who is nobody outside; its processes are counted by themselves."""
    uid, gid = os.getuid(), os.getgid()
    sys_.prctl(sys_.PR_SET_DUMPABLE, 1)
    sys_.unshare(sys_.CLONE_NEWUSER)
    for name, text in (("setgroups", "deny"), ("uid_map", "%d %d 1" % (FUNCTION_UID, uid)), ("gid_map", "%d %d 1" % (FUNCTION_GID, gid))):
        fd = os.open("/proc/self/" + name, os.O_WRONLY | os.O_CLOEXEC)
        os.write(fd, text.encode())
        os.close(fd)
    _drop_bounding_set()
    _drop_capabilities()


def _drop_capabilities():
    sys_.prctl(sys_.PR_CAP_AMBIENT, sys_.PR_CAP_AMBIENT_CLEAR_ALL)
    sys_.syscall(sys_.CAPSET, struct.pack("=Ii", CAPABILITY_VERSION_3, 0), struct.pack("=6I", 0, 0, 0, 0, 0, 0))


def _drop_bounding_set():
    for capability in range(LAST_CAPABILITY + 1):
        try:
            sys_.prctl(sys_.PR_CAPBSET_DROP, capability)
        except OSError:
            return
