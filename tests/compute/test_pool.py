"""Which instance serves: reuse, many at once, idleness, retirement, room, credentials."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import Functions, document
from tests.compute.test_limits import alive, until
from tule.compute.compute import Credentials, FunctionUnavailable

pytestmark = pytest.mark.asyncio(loop_scope="function")
WHO = "import uuid\nme = str(uuid.uuid4())\ndef handler(event, context):\n    import time\n    time.sleep(event or 0)\n    return me\n"


@pytest_asyncio.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[type[Functions]]:
    """Makes supervisors with settings of their own."""
    made: list[Functions] = []
    tmp_path.chmod(0o755)

    class Fresh(Functions):
        def __init__(self, **settings: object) -> None:
            super().__init__(tmp_path, LEVELS[0], **settings)
            made.append(self)

    yield Fresh
    for each in made:
        await each.compute.stop()


def instances(functions: Functions) -> dict[str, int]:
    return functions.compute.describe()["instances"]  # type: ignore[return-value]


async def test_the_instance_used_last_is_used_next(fresh: type[Functions]) -> None:
    functions = fresh()
    function = functions.function(WHO)
    first, second = await asyncio.gather(functions.invoke(function, 0.2), functions.invoke(function, 0.05))
    assert document(first) != document(second)
    assert document(await functions.invoke(function)) == document(first)
    assert instances(functions)["all"] == 2


async def test_twenty_calls_of_half_a_second_run_side_by_side(fresh: type[Functions]) -> None:
    functions = fresh()
    function = functions.function(WHO)
    await functions.invoke(function)
    began = time.perf_counter()
    answers = await asyncio.gather(*[functions.invoke(function, 0.5) for _ in range(20)])
    assert len({document(answer) for answer in answers}) == 20
    assert time.perf_counter() - began < 3


async def test_idle_instances_are_ended(fresh: type[Functions]) -> None:
    functions = fresh(instance_idle_s=0.1)
    await functions.run(WHO)
    await until(lambda: instances(functions)["all"] == 0)


async def test_retired_instances_end_idle_ones_now_and_busy_ones_after_their_invocation(fresh: type[Functions]) -> None:
    functions = fresh()
    function = functions.function(WHO)
    first = document(await functions.invoke(function))
    busy = asyncio.create_task(functions.invoke(function, 0.2))
    other = functions.function(WHO)
    await functions.invoke(other)
    functions.compute.retire(function.key)
    assert document(await busy) == first
    assert instances(functions)["all"] == 1
    assert document(await functions.invoke(function)) != first


async def test_at_the_limit_an_idle_instance_of_another_function_makes_room(fresh: type[Functions]) -> None:
    functions = fresh(concurrency=1)
    await functions.run(WHO)
    assert (await functions.run(WHO)).error is None
    assert instances(functions)["all"] == 1


async def test_at_the_limit_an_invocation_waits_for_its_turn(fresh: type[Functions]) -> None:
    functions = fresh(concurrency=1)
    answers = await asyncio.gather(functions.run(WHO, 0.1), functions.run(WHO, 0.1), functions.run(WHO, 0.1))
    assert [answer.error for answer in answers] == [None] * 3


async def test_below_the_minimum_nothing_runs(fresh: type[Functions]) -> None:
    functions = fresh(sandbox_minimum=0)
    with pytest.raises(FunctionUnavailable, match="the node's minimum is 0"):
        await functions.run(WHO)


async def test_code_that_is_not_there_is_unavailable(fresh: type[Functions]) -> None:
    functions = fresh()
    with pytest.raises(FunctionUnavailable, match="the code cannot be mounted"):
        await functions.invoke(dataclasses.replace(functions.function(WHO), code=Path("/nonexistent/code")))


async def test_parked_sandboxes_wait_for_the_next_function(fresh: type[Functions]) -> None:
    functions = fresh(parked=2)
    await functions.run(WHO)
    await until(lambda: instances(functions)["parked"] == 2)
    await functions.run(WHO, tmp_mb=600)
    assert instances(functions)["parked"] == 1
    await until(lambda: instances(functions)["parked"] == 2)


async def test_credentials_are_renewed_before_they_expire(fresh: type[Functions]) -> None:
    functions = fresh()
    code = "import os\ndef handler(event, context):\n    return [os.environ[n] for n in ('AWS_ACCESS_KEY_ID', 'AWS_SESSION_TOKEN')]\n"
    function = functions.function(code)
    issued: list[Credentials] = []

    def credentials() -> Credentials:
        issued.append(Credentials(f"ASIA{len(issued)}", "secret", f"token{len(issued)}", functions.clock.now_ms() + 3_600_000))
        return issued[-1]

    async def seen() -> object:
        return document(await functions.invoke(function, credentials=credentials))

    assert await seen() == ["ASIA0", "token0"]
    assert await seen() == ["ASIA0", "token0"]
    functions.clock.move(3_400_000)
    assert await seen() == ["ASIA1", "token1"]


async def test_layers_lie_over_one_another_at_opt(fresh: type[Functions], tmp_path: Path) -> None:
    functions = fresh()
    layers: list[Path] = []
    for number in range(5):  # as many as Lambda allows, at paths as long as a node's may be
        layer = tmp_path / ("a-layer-with-a-long-name-" * 4) / str(number)
        (layer / "python").mkdir(parents=True)
        (layer / "python" / "shared.py").write_text(f"x = {number}")
        (layer / f"only-{number}.txt").touch()
        layers.append(layer)
    code = "import os, shared\ndef handler(event, context):\n    return [shared.x, sorted(os.listdir('/opt'))]\n"
    answer = await functions.run(code, layers=tuple(layers))
    assert document(answer) == [4, [*(f"only-{number}.txt" for number in range(5)), "python"]]


async def test_an_abandoned_invocation_takes_its_instance_with_it(fresh: type[Functions]) -> None:
    functions = fresh()
    function = functions.function(WHO)
    await functions.invoke(function)
    call = asyncio.create_task(functions.invoke(function, 60))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert instances(functions)["all"] == 0


async def test_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    functions = Functions(tmp_path, LEVELS[0])
    await functions.run(WHO)
    sandboxes = functions.compute.sandboxes()
    await functions.compute.stop()
    await until(lambda: not any(alive(pid) for sandbox in sandboxes for pid in sandbox.roots))
    assert not list(Path("/sys/fs/cgroup").glob(f"*/**/tule-{os.getpid()}/*"))
    assert (await functions.run(WHO)).error is None
    await functions.compute.stop()
