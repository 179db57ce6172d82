"""The seccomp program, run by a small interpreter of its instructions against what it is meant to allow."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tule.compute.inside import seccomp

MACHINES = {
    "x86_64": (seccomp.AUDIT_X86_64, seccomp.X86_64, seccomp.X86_64_ARGUMENTS),
    "aarch64": (seccomp.AUDIT_AARCH64, seccomp.AARCH64, seccomp.AARCH64_ARGUMENTS),
}
ALLOWED, EPERM, ENOSYS = seccomp.ALLOW, seccomp.ERRNO | errno.EPERM, seccomp.ERRNO | errno.ENOSYS
TESTS = {seccomp.JEQ: int.__eq__, seccomp.JGT: int.__gt__, seccomp.JGE: int.__ge__}


def answer(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the kernel would do with this system call."""
    audit = MACHINES[machine][0] if architecture is None else architecture
    padded = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, audit, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    at, accumulator = 0, 0
    while True:
        operation, then, otherwise, value = code[at]
        at += 1
        if operation == seccomp.LD_W:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif operation == seccomp.RET:
            return value
        elif operation == seccomp.JSET:
            at += then if accumulator & value else otherwise
        else:
            at += then if TESTS[operation](accumulator, value) else otherwise


@pytest.mark.parametrize("machine", MACHINES)
@given(number=st.integers(0, 500))
def test_a_call_is_allowed_exactly_when_it_is_listed(machine: str, number: int) -> None:
    _, ranges, by_argument = MACHINES[machine]
    if number in by_argument.values():
        return
    listed = any(first <= number <= last for first, last in ranges)
    expected = ENOSYS if number > seccomp.NEWEST_KNOWN else ALLOWED if listed else EPERM
    assert answer(machine, number) == expected


@pytest.mark.parametrize("machine", MACHINES)
@given(family=st.integers(0, 50), protocol=st.integers(0, 30))
def test_sockets_are_of_four_families(machine: str, family: int, protocol: int) -> None:
    expected = family in (1, 2, 10) or (family == 16 and protocol == 0)
    assert (answer(machine, MACHINES[machine][2]["socket"], family, 1, protocol) == ALLOWED) == expected


@pytest.mark.parametrize("machine", MACHINES)
@given(flags=st.integers(0, 2**32 - 1))
def test_clone_makes_threads_and_processes_but_no_namespaces(machine: str, flags: int) -> None:
    expected = EPERM if flags & seccomp.NEW_NAMESPACES & 0xFFFFFF00 else ALLOWED
    assert answer(machine, MACHINES[machine][2]["clone"], flags) == expected


@pytest.mark.parametrize("machine", MACHINES)
def test_a_foreign_architecture_is_death(machine: str) -> None:
    assert answer(machine, 0, architecture=0x40000003) == seccomp.KILL_PROCESS


@pytest.mark.parametrize("machine", MACHINES)
def test_a_terminal_cannot_be_typed_into(machine: str) -> None:
    number = MACHINES[machine][2]["ioctl"]
    assert answer(machine, number, 0, seccomp.TIOCSTI) == EPERM
    assert answer(machine, number, 0, 0x5401) == ALLOWED
