"""The first process of a process namespace: adopts orphans, lets them vanish, and does nothing else.

It must be there, because the kernel ignores most signals to a namespace's first process, and so the runtime cannot be it.  As a
fork of the zygote it would cost two megabytes for each instance; so on x86_64 it is a program of a few instructions, written
here as bytes: `prctl(PR_SET_PDEATHSIG, SIGKILL)`, `rt_sigaction(SIGCHLD, SIG_IGN)`, and `pause()` for ever.  SIGKILL from
outside ends it, and with it everything in the namespace.
"""

import os
import platform
import signal
import struct

from . import syscalls as sys_

PATH = "/var/rapid/init"
BASE = 0x400000
HEADERS = 64 + 56
CODE = bytes.fromhex(
    "bf01000000 be09000000 b89d000000 0f05"  # mov edi, PR_SET_PDEATHSIG; mov esi, SIGKILL; mov eax, SYS_prctl; syscall
    "bf11000000 488d3518000000 31d2 41ba08000000 b80d000000 0f05"  # edi = SIGCHLD; lea rsi, [action]; edx = 0; r10d = 8; SYS_rt_sigaction
    "b822000000 0f05 ebf7"  # again: mov eax, SYS_pause; syscall; jmp again
)
ACTION = struct.pack("<4Q", 1, 0, 0, 0)  # SIG_IGN, no flags, no restorer, no mask


def prepare():
    """Write the program, where this machine can run it."""
    if platform.machine() != "x86_64":
        return
    fd = os.open(PATH, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o755)
    os.write(fd, _program())
    os.close(fd)


def start():
    """Start it in the process namespace that is set for children; returns its process id."""
    if platform.machine() == "x86_64":
        return os.posix_spawn(PATH, [PATH], {}, file_actions=[(os.POSIX_SPAWN_CLOSE, fd) for fd in (0, 1, 2)])
    return fork()


def fork():
    """The same as a copy of this process."""
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
        while True:
            signal.pause()
    return pid


def _program():
    size = HEADERS + len(CODE) + len(ACTION)
    identity = b"\x7fELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = identity + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, BASE, BASE, size, size, 0x1000)
    return header + segment + CODE + ACTION
