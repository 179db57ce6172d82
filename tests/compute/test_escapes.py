"""What a function must not see, reach or do, where instances have a root of their own (sandbox levels 1 and 2)."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.compute.functions import Functions
from tests.compute.test_limits import alive

pytestmark = pytest.mark.asyncio(loop_scope="module")

ATTEMPT = """
import ctypes, errno, json, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    return errno.errorcode[ctypes.get_errno()] if result == -1 else 'allowed'
def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return 'allowed'
def handler(event, context):
    return {body}
"""


async def attempted(functions: Functions, body: str, event: object = None) -> Any:
    return await functions.value(ATTEMPT.replace("{body}", body), event)


async def test_files_of_the_host_are_not_there(rooted: Functions, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("host")
    paths = [str(secret), "/root", "/etc/shadow", "/work", "/var/lib", "/home/" + os.environ.get("USER", "nobody"), str(rooted.directory)]
    assert await attempted(rooted, "[path for path in event if os.path.exists(path)]", paths) == []


async def test_code_cannot_be_changed(rooted: Functions) -> None:
    body = "[attempt(lambda: open(path, 'w')) for path in event]"
    paths = ["/var/task/lambda_function.py", "/var/task/new", "/new", "/etc/passwd", "/usr/new", "/var/rapid/init", "/dev/new", "/opt/new"]
    assert not {"allowed"} & set(await attempted(rooted, body, paths))


async def test_the_first_process_cannot_be_harmed_or_read(rooted: Functions) -> None:
    body = "[attempt(lambda: os.kill(1, 9)), attempt(lambda: os.listdir('/proc/1/root/')), attempt(lambda: open('/proc/1/mem', 'rb').read(1))]"
    kill, *reads = await attempted(rooted, body)
    assert kill in ("EPERM", "allowed")  # the kernel drops signals to the first process from within: it may answer success
    assert not {"allowed"} & set(reads)
    code = (
        "import os, time\ndef handler(event, context):\n    try: os.kill(1, 9)\n    except OSError: pass\n    time.sleep(0.05)\n    return 'alive'\n"
    )
    assert await rooted.value(code) == "alive"


async def test_no_process_of_others_is_visible(rooted: Functions) -> None:
    await rooted.run("def handler(event, context):\n    return 1\n")
    assert await attempted(rooted, "sorted(int(name) for name in os.listdir('/proc') if name.isdigit())") == [1, 2]


async def test_the_node_cannot_be_signalled(rooted: Functions) -> None:
    assert await attempted(rooted, "attempt(lambda: os.kill(event, 0))", os.getpid()) == "ESRCH"


async def test_everything_within_reach_of_a_signal_is_its_own(rooted: Functions) -> None:
    other = rooted.function("def handler(event, context):\n    return 1\n")
    await rooted.invoke(other)
    sandbox = next(each for each in rooted.compute.sandboxes() if each.function_key == other.key)
    await rooted.run("import os, signal\ndef handler(event, context):\n    os.kill(-1, signal.SIGKILL)\n", timeout_s=1)
    assert alive(sandbox.roots[-1])


async def test_there_are_no_privileges(rooted: Functions) -> None:
    status = dict(line.split(":\t", 1) for line in (await attempted(rooted, "open('/proc/self/status').read()")).splitlines() if ":\t" in line)
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == 0, name
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert status["Uid"].split() == ["993"] * 4


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("ptrace", 101), ("mount", 165), ("umount2", 166), ("pivot_root", 155), ("chroot", 161), ("unshare", 272), ("setns", 308), ("bpf", 321),
        ("keyctl", 250), ("add_key", 248), ("perf_event_open", 298), ("userfaultfd", 323), ("process_vm_readv", 310), ("io_uring_setup", 425),
        ("open_by_handle_at", 304), ("kexec_load", 246), ("init_module", 175), ("reboot", 169), ("open_tree", 428), ("move_mount", 429),
        ("fsopen", 430), ("mount_setattr", 442), ("pidfd_getfd", 438), ("kcmp", 312), ("settimeofday", 164), ("quotactl", 179), ("acct", 163),
    ],
)  # fmt: skip
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
async def test_the_kernel_is_asked_for_nothing_special(rooted: Functions, what: str, number: int) -> None:
    assert await attempted(rooted, f"call({number}, 0, 0, 0, 0, 0)") == "EPERM", what


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
async def test_namespaces_cannot_be_made_by_clone(rooted: Functions) -> None:
    assert await attempted(rooted, "[call(56, 0x10000000 | 17, 0, 0, 0, 0), call(435, 0, 0)]") == ["EPERM", "ENOSYS"]


async def test_calls_of_another_architecture_are_not_there(rooted: Functions) -> None:
    assert await attempted(rooted, "call(0x40000000 + 39)") == "ENOSYS"


async def test_sockets_are_of_the_ordinary_kinds(rooted: Functions) -> None:
    body = "[attempt(lambda: socket.socket(*each).close()) for each in event]"
    vsock, packet, netlink_audit, raw, bluetooth, alg = (40, 1, 0), (17, 3, 0), (16, 3, 9), (2, 3, 1), (31, 3, 0), (38, 5, 0)
    assert not {"allowed"} & set(await attempted(rooted, body, [vsock, packet, netlink_audit, raw, bluetooth, alg]))
    assert await attempted(rooted, body, [(2, 1, 0), (2, 2, 0), (10, 1, 0), (1, 1, 0), (16, 3, 0)]) == ["allowed"] * 5


async def test_only_the_loopback_is_there(rooted: Functions) -> None:
    assert await attempted(rooted, "[name for _, name in socket.if_nameindex()]") == ["lo"]
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await attempted(rooted, "attempt(lambda: socket.create_connection(('127.0.0.1', event), 1))", port) == "ECONNREFUSED"


async def test_low_ports_are_the_functions_own(rooted: Functions) -> None:
    assert await attempted(rooted, "attempt(lambda: socket.create_server(('127.0.0.1', 80)))") == "allowed"


async def test_no_descriptor_of_the_node_is_left_open(rooted: Functions) -> None:
    body = "sorted(os.readlink('/dev/fd/' + name).split(':')[0] for name in os.listdir('/dev/fd') if os.path.exists('/dev/fd/' + name))"
    assert await attempted(rooted, body) == ["/dev/null", "pipe", "pipe", "socket"]


async def test_nothing_of_the_node_is_in_the_environment_or_the_arguments(rooted: Functions) -> None:
    seen = await attempted(rooted, "[open('/proc/self/environ').read(), open('/proc/self/cmdline').read(), sys.argv]")
    assert str(rooted.directory) not in str(seen)
    assert "/root" not in str(seen)


async def test_two_instances_differ_in_what_they_think_random(rooted: Functions) -> None:
    code = "import random, uuid, os\ndef handler(event, context):\n    return [random.random(), str(uuid.uuid4()), os.urandom(8).hex()]\n"
    function = rooted.function(code)
    one, two = await asyncio.gather(rooted.invoke(function), rooted.invoke(function))
    assert not set(map(str, json.loads(one.payload))) & set(map(str, json.loads(two.payload)))


async def test_shared_memory_and_names_are_not_shared(rooted: Functions) -> None:
    code = """
import socket
def handler(event, context):
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind('\\0tule-test')
        handler.kept = listener
        return 'bound'
    except OSError:
        return 'taken'
"""
    assert [await rooted.value(code), await rooted.value(code)] == ["bound", "bound"]
