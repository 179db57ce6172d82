"""What a function may use up: memory, disk, processes, the log; and what is left of it afterwards."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

import pytest

from tests.compute.functions import Functions, document, texts
from tule.compute import log_pipe
from tule.compute.inside import processes

pytestmark = pytest.mark.asyncio(loop_scope="module")
ECHO = "def handler(event, context):\n    return event\n"


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        await asyncio.sleep(0.005)


async def test_more_memory_than_configured_ends_the_instance(rooted: Functions) -> None:
    code = "def handler(event, context):\n    held = []\n    while True: held.append(bytearray(1 << 20))\n"
    answer = await rooted.run(code, timeout_s=10, memory_mb=128)
    if not rooted.compute.describe()["sandbox"]["groups"].get("memory"):  # type: ignore[index]
        assert document(answer)["errorType"] == "MemoryError"
        return
    assert document(answer)["errorType"] == "Runtime.OutOfMemory"
    assert document(answer)["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert answer.max_memory_mb == 128
    assert document(await rooted.run(ECHO, "the node is well")) == "the node is well"


async def test_a_full_tmp_is_the_functions_own_and_not_its_memory(rooted: Functions) -> None:
    code = """
import os
def handler(event, context):
    try:
        with open('/tmp/full', 'wb') as file:
            while True: file.write(b'x' * (1 << 20))
    except OSError as error:
        return [error.errno, os.path.getsize('/tmp/full') >> 20]
"""
    number, size = await rooted.value(code, memory_mb=128, tmp_mb=200, timeout_s=20)
    assert number == 28
    assert 195 <= size <= 200


async def test_tmp_lasts_as_long_as_the_instance_and_is_nobody_elses(rooted: Functions) -> None:
    code = "import os\ndef handler(event, context):\n    found = os.path.exists('/tmp/mark')\n    open('/tmp/mark', 'w').close()\n    return found\n"
    function = rooted.function(code)
    assert [document(await rooted.invoke(function)) for _ in range(2)] == [False, True]
    assert document(await rooted.run(code)) is False


async def test_a_fork_bomb_stays_small_and_ends_with_its_invocation(rooted: Functions) -> None:
    code = """
import os, time
def handler(event, context):
    count = 0
    try:
        while True:
            if os.fork() == 0:
                time.sleep(600)
            count += 1
    except OSError as error:
        return [error.errno, count]
"""
    function = rooted.function(code, memory_mb=10_240, timeout_s=30)
    number, count = document(await rooted.invoke(function))
    assert number == 11
    assert 500 < count <= 1024
    sandbox = next(each for each in rooted.compute.sandboxes() if each.function_key == function.key)
    rooted.compute.retire(function.key)
    await until(lambda: not any(alive(pid) for pid in sandbox.roots))


async def test_a_flooded_log_is_cut_and_others_are_answered_meanwhile(functions: Functions) -> None:
    code = "import sys\ndef handler(event, context):\n    while True: sys.stdout.write(('x' * 1000 + '\\n') * 1000)\n"
    flood = asyncio.create_task(functions.run(code, timeout_s=2))
    function = functions.function(ECHO)
    await functions.invoke(function)
    answered = 0
    while not flood.done():
        await functions.invoke(function)
        answered += 1
    answer = await flood
    assert document(answer)["errorType"] == "Sandbox.Timedout"
    assert log_pipe.TRUNCATED in texts(answer)
    assert sum(map(len, texts(answer))) < log_pipe.MAX_KEPT + 200_000
    assert answered > 1


async def test_threads_left_behind_stand_still_between_invocations(functions: Functions) -> None:
    code = """
import threading, time
ticks = []
def tick():
    while True:
        ticks.append(time.time())
        time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    return len(ticks)
"""
    function = functions.function(code)
    await functions.invoke(function)
    sandbox = next(each for each in functions.compute.sandboxes() if each.function_key == function.key)
    await until(lambda: sandbox.frozen)
    await asyncio.sleep(0.05)  # a signal takes a moment to arrive
    before = _processor_time(sandbox.roots[-1])
    await asyncio.sleep(0.2)  # the time in which the thread must not run
    assert _processor_time(sandbox.roots[-1]) == before
    ticked = document(await functions.invoke(function))
    await until(lambda: sandbox.frozen)
    assert document(await functions.invoke(function)) > ticked


def _processor_time(pid: int) -> int:
    """Of a process and all beneath, in nanoseconds on the processor."""
    total = 0
    for each in [pid, *processes.descendants(pid)]:
        for task in os.listdir(f"/proc/{each}/task"):
            with open(f"/proc/{each}/task/{task}/schedstat") as file:
                total += int(file.read().split()[0])
    return total


async def test_what_a_handler_started_ends_with_the_instance(functions: Functions) -> None:
    code = """
import os, subprocess
def handler(event, context):
    subprocess.Popen(['sleep', '600'], start_new_session=True)
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp('sleep', ['sleep', '600'])
        os._exit(0)
    return True
"""
    function = functions.function(code)
    await functions.invoke(function)
    sandbox = next(each for each in functions.compute.sandboxes() if each.function_key == function.key)
    pids = [pid for root in sandbox.roots for pid in [root, *processes.descendants(root)]]
    assert len(pids) >= 3
    functions.compute.retire(function.key)
    await until(lambda: not any(alive(pid) for pid in pids))


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
