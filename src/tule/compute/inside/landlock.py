"""Landlock: which files a function may read, execute and write, whatever the mounts say.

Kernel: https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import struct

from . import syscalls as sys_

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
READ = EXECUTE | READ_FILE | READ_DIR
ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
SCOPE_ABSTRACT_UNIX, SCOPE_SIGNAL = 1, 2
RULE_PATH_BENEATH = 1


def abi():
    """0 where there is none."""
    try:
        return sys_.syscall(sys_.LANDLOCK_CREATE_RULESET, 0, 0, 1)
    except OSError:
        return 0


def restrict(readable, writable):
    """Nothing but `readable` (to read and execute) and `writable` (everything); paths that are missing are left out."""
    version = abi()
    if version == 0:
        return
    handled = _accesses(version)
    scopes = SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL if version >= 6 else 0
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    attributes = struct.pack("=QQQ", handled, 0, scopes)[:size]
    ruleset = sys_.syscall(sys_.LANDLOCK_CREATE_RULESET, attributes, size, 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ & handled)
        for path in writable:
            _allow(ruleset, path, handled)
        sys_.syscall(sys_.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _accesses(version):
    bits = 13 + (version >= 2) + (version >= 3) + (version >= 5)
    return (1 << bits) - 1


def _allow(ruleset, path, access):
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            access &= ON_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", access, fd))
        sys_.syscall(sys_.LANDLOCK_ADD_RULE, ruleset, RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(fd)
