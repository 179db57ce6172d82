"""Giving up privileges: capabilities, user id, new privileges, resource limits, Landlock and seccomp."""

import os
import resource
import struct

from . import syscalls as sys_

LAST_CAPABILITY = 63


def drop_for_code(order, features):
    """For the process that will run the function's code."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _set_files(order["open_files"])
    _drop_identity(order, features)
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)


def drop_for_reaper(order, features):
    """For the first process, once the code is mounted."""
    _drop_identity(order, features)
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)


def _set_files(limit):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def _drop_identity(order, features):
    if features["pid"]:
        for capability in range(LAST_CAPABILITY + 1):
            try:
                sys_.prctl(sys_.PR_CAPBSET_DROP, capability)
            except OSError:
                break
    if order["uid"]:
        os.setgroups([])
        os.setresgid(order["gid"], order["gid"], order["gid"])
        os.setresuid(order["uid"], order["uid"], order["uid"])
    if features["pid"]:
        sys_.prctl(sys_.PR_CAP_AMBIENT, sys_.PR_CAP_AMBIENT_CLEAR_ALL)
        header, data = struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", 0, 0, 0, 0, 0, 0)
        sys_.syscall(sys_.CAPSET, header, data)
