"""The system calls that a function may make: an allow-list, assembled by hand.  Linux on x86_64 and aarch64.

What is not listed fails with EPERM, and with ENOSYS when the kernel call is newer than this list, so that programs fall back.
Sockets are of the families UNIX, INET and INET6, and of netlink only what lists interfaces.  No process may make namespaces,
mount, trace another, load code into the kernel, or change clocks.
"""

import ctypes
import errno
import functools
import platform
import struct

from . import syscalls as sys_

MODE_FILTER = 2
AUDIT_X86_64, AUDIT_AARCH64 = 0xC000003E, 0xC00000B7
ALLOW, ERRNO, KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
NEWEST_KNOWN = 462
LD_W, JEQ, JGT, JGE, JSET, RET = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
NR, ARCH, ARG0, ARG1, ARG2 = 0, 4, 16, 24, 32
NEW_NAMESPACES = 0x7E020080  # every CLONE_NEW* flag, time included
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
TIOCSTI, TIOCLINUX = 0x5412, 0x541C

# Names follow the kernel's tables; ranges are inclusive.
X86_64 = (
    (0, 15), (17, 40), (42, 55), (57, 100), (102, 102), (104, 133), (135, 135), (137, 138), (140, 152), (157, 158), (160, 160), (162, 162),
    (186, 204), (206, 211), (213, 226), (228, 236), (239, 245), (247, 247), (251, 255), (257, 271), (273, 277), (280, 297), (299, 299),
    (302, 302), (306, 307), (309, 309), (314, 319), (322, 322), (324, 332), (333, 334), (424, 424), (434, 434), (436, 437), (439, 439),
    (441, 441), (444, 446), (449, 449), (451, 452), (454, 456),
)  # fmt: skip
X86_64_ARGUMENTS = {"ioctl": 16, "socket": 41, "clone": 56, "socketpair": 53, "clone3": 435}
AARCH64 = (
    (0, 28), (30, 37), (43, 50), (52, 57), (59, 59), (61, 74), (76, 88), (90, 96), (98, 103), (107, 111), (113, 115), (118, 141), (143, 160),
    (163, 169), (172, 197), (200, 216), (221, 223), (226, 234), (236, 236), (240, 240), (242, 243), (260, 261), (267, 267), (269, 269),
    (274, 279), (281, 281), (283, 293), (424, 424), (434, 434), (436, 437), (439, 439), (441, 441), (444, 446), (449, 449), (451, 452),
    (454, 456),
)  # fmt: skip
AARCH64_ARGUMENTS = {"ioctl": 29, "socket": 198, "clone": 220, "socketpair": 199, "clone3": 435}


def restrict():
    """For this process and all that it starts; needs no_new_privs."""
    code = program(platform.machine())
    instructions = ctypes.create_string_buffer(code)
    filter_ = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    sys_.prctl(22, MODE_FILTER, ctypes.create_string_buffer(filter_))  # PR_SET_SECCOMP


@functools.lru_cache(maxsize=2)
def program(machine):
    """Instructions of 8 bytes each; assembled once, in the zygote."""
    x86 = machine in ("x86_64", "AMD64")
    ranges, by_argument = (X86_64, X86_64_ARGUMENTS) if x86 else (AARCH64, AARCH64_ARGUMENTS)
    lines = [_load(ARCH), _jump(JEQ, AUDIT_X86_64 if x86 else AUDIT_AARCH64, 1, 0), _answer(KILL_PROCESS), _load(NR)]
    lines += _refuse_if(JGT, NEWEST_KNOWN, errno.ENOSYS)  # the x32 calls as well
    lines += _refuse_if(JEQ, by_argument["clone3"], errno.ENOSYS)  # its flags are in memory that cannot be inspected: callers fall back to clone
    lines += _when(by_argument["socket"], _socket_families())
    lines += _when(by_argument["socketpair"], [_load(ARG0), _jump(JEQ, AF_UNIX, 0, 1), _answer(ALLOW), _answer(ERRNO | errno.EAFNOSUPPORT)])
    lines += _when(by_argument["clone"], [_load(ARG0), _jump(JSET, NEW_NAMESPACES & 0xFFFFFF00, 0, 1), _answer(ERRNO | errno.EPERM), _answer(ALLOW)])
    lines += _when(by_argument["ioctl"], _terminal_requests())
    for first, last in sorted(ranges):
        lines += [_jump(JGT, last, 3, 0), _jump(JGE, first, 0, 1), _answer(ALLOW), _answer(ERRNO | errno.EPERM)]
    lines.append(_answer(ERRNO | errno.EPERM))
    return b"".join(lines)


def _socket_families():
    ours = [AF_UNIX, AF_INET, AF_INET6]
    lines = [_load(ARG0)]
    for family in ours:
        lines += [_jump(JEQ, family, 0, 1), _answer(ALLOW)]
    lines += [_jump(JEQ, AF_NETLINK, 1, 0), _answer(ERRNO | errno.EAFNOSUPPORT)]
    lines += [_load(ARG2), _jump(JEQ, 0, 0, 1), _answer(ALLOW), _answer(ERRNO | errno.EPROTONOSUPPORT)]
    return lines


def _terminal_requests():
    lines = [_load(ARG1)]
    for request in (TIOCSTI, TIOCLINUX):
        lines += [_jump(JEQ, request, 0, 1), _answer(ERRNO | errno.EPERM)]
    return [*lines, _answer(ALLOW)]


def _when(number, lines):
    return [_jump(JEQ, number, 0, len(lines)), *lines]


def _refuse_if(test, number, code):
    return [_jump(test, number, 0, 1), _answer(ERRNO | code)]


def _load(offset):
    return struct.pack("=HBBI", LD_W, 0, 0, offset)


def _jump(test, value, then, otherwise):
    return struct.pack("=HBBI", test, then, otherwise, value)


def _answer(action):
    return struct.pack("=HBBI", RET, 0, 0, action)
