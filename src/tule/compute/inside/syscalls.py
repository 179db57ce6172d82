"""System calls that Python has no function for, by number, through ctypes.  Linux on x86_64 and aarch64."""

import ctypes
import os
import platform
import struct

_X86 = platform.machine() in ("x86_64", "AMD64")
_libc = ctypes.CDLL(None, use_errno=True)

# The numbers above 423 are the same on every architecture.
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT = 428, 429, 430, 431, 432
PIDFD_SEND_SIGNAL, PIDFD_OPEN, CLOSE_RANGE, MOUNT_SETATTR = 424, 434, 436, 442
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
SECCOMP = 317 if _X86 else 277
CAPSET = 126 if _X86 else 91
PIVOT_ROOT = 155 if _X86 else 41

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER = 0x20000, 0x4000000, 0x8000000, 0x10000000
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC = 1, os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 4
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 1, 6

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 15, 24, 36, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4


def syscall(number, *arguments):
    """Raises OSError.  Integers and bytes as arguments."""
    result = _libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _checked(result):
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def unshare(flags):
    _checked(_libc.unshare(flags))


def setns(fd, kind):
    _checked(_libc.setns(fd, kind))


def prctl(option, second=0, third=0, fourth=0, fifth=0):
    arguments = [ctypes.c_ulong(a) if isinstance(a, int) else a for a in (second, third, fourth, fifth)]
    return _checked(_libc.prctl(option, *arguments))


def mount(source, target, kind, flags, options=""):
    _checked(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()))


def umount(target, flags=0):
    _checked(_libc.umount2(target.encode(), flags))


def pivot_root(new, old):
    syscall(PIVOT_ROOT, new.encode(), old.encode())


def sethostname(name):
    raw = name.encode()
    _checked(_libc.sethostname(raw, len(raw)))


def pidfd_open(pid):
    return syscall(PIDFD_OPEN, pid, 0)


def close_range(first, last):
    """All descriptors from `first` to `last`.  Linux 5.9."""
    syscall(CLOSE_RANGE, first, last, 0)


def clone_tree(path, read_only=True):
    """A detached copy of the mounts at `path`, nosuid and nodev, as a descriptor.  Linux 5.12."""
    fd = syscall(OPEN_TREE, AT_FDCWD, os.fsencode(path), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)
    attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (MOUNT_ATTR_RDONLY if read_only else 0)
    try:
        syscall(MOUNT_SETATTR, fd, b"", AT_EMPTY_PATH | AT_RECURSIVE, struct.pack("=QQQQ", attributes, 0, 0, 0), 32)
    except OSError:
        os.close(fd)
        raise
    return fd


def overlay(lower):
    """A detached read-only overlay of directories, the topmost first, as a descriptor.

    The directories are named by descriptors: an option has at most 255 bytes, and the mount tells nothing of the host's paths.
    """
    fds = [os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC) for path in lower]
    context = -1
    try:
        context = syscall(FSOPEN, b"overlay", 1)
        names = ":".join("/proc/self/fd/%d" % fd for fd in fds)
        syscall(FSCONFIG, context, FSCONFIG_SET_STRING, b"lowerdir", names.encode(), 0)
        syscall(FSCONFIG, context, FSCONFIG_CMD_CREATE, 0, 0, 0)
        return syscall(FSMOUNT, context, 1, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
    finally:
        for fd in fds if context < 0 else [*fds, context]:
            os.close(fd)


def attach_tree(fd, target):
    syscall(MOVE_MOUNT, fd, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH)


def set_read_only(path):
    """The mount at `path` of this namespace; not those beneath it."""
    syscall(MOUNT_SETATTR, AT_FDCWD, os.fsencode(path), 0, struct.pack("=QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0), 32)
