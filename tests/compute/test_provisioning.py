"""Provisioned concurrency: instances that are initialised before anybody invokes, and stay so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import Functions, document, texts
from tule.compute import provisioning
from tule.compute.compute import FunctionSpec, LogLine, Provisioned

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHO = """
import os
me = os.environ['AWS_LAMBDA_LOG_STREAM_NAME']
def handler(event, context):
    %s
    return [me, os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def functions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Functions]:
    path = tmp_path_factory.mktemp("provisioned")
    path.chmod(0o755)
    made = Functions(path, LEVELS[0], instance_idle_s=0.05)
    yield made
    await made.compute.stop()


async def until(functions: Functions, function: FunctionSpec, available: int) -> None:
    async with asyncio.timeout(10):
        while functions.compute.provisioned(function.key).available != available:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_invocations_find_an_initialised_instance(functions: Functions) -> None:
    function = functions.function(WHO % "pass")
    assert await functions.compute.provision(function, 2) == Provisioned(2)
    first = await functions.invoke(function)
    stream, kind = document(first)
    assert (kind, first.initialization, first.log_stream) == ("provisioned-concurrency", "provisioned-concurrency", stream)
    assert [text.split()[0] for text in texts(first)] == ["START", "END", "REPORT"]
    assert "Init Duration" in texts(first)[-1], "of the time before"
    assert first.billed_ms < first.duration_ms + 1
    again = await functions.invoke(function)
    assert "Init Duration" not in texts(again)[-1]


async def test_beyond_what_is_provisioned_instances_start_on_demand(functions: Functions) -> None:
    function = functions.function(WHO % "import time; time.sleep(0.2)")
    await functions.compute.provision(function, 1)
    both = await asyncio.gather(functions.invoke(function), functions.invoke(function))
    assert sorted(each.initialization for each in both) == ["on-demand", "provisioned-concurrency"]
    assert sorted(document(each)[1] for each in both) == ["on-demand", "provisioned-concurrency"]


async def test_they_are_not_reaped_when_idle(functions: Functions) -> None:
    function = functions.function(WHO % "pass")
    await functions.compute.provision(function, 1)
    [seen] = {document(await functions.invoke(function))[0]}
    await asyncio.sleep(0.2)
    assert document(await functions.invoke(function))[0] == seen


async def test_one_that_dies_is_replaced(functions: Functions) -> None:
    function = functions.function(WHO % "os._exit(1) if event else None")
    await functions.compute.provision(function, 1)
    first = document(await functions.invoke(function))[0]
    assert (await functions.invoke(function, 1)).error == "Unhandled"
    await until(functions, function, 1)
    second = await functions.invoke(function)
    assert second.initialization == "provisioned-concurrency"
    assert document(second)[0] != first


async def test_fewer_are_kept_when_fewer_are_wanted(functions: Functions) -> None:
    function = functions.function(WHO % "pass")
    assert (await functions.compute.provision(function, 3)).available == 3
    assert (await functions.compute.provision(function, 1)).available == 1
    assert (await functions.compute.provision(function, 0)).available == 0
    assert (await functions.invoke(function)).initialization == "on-demand"


async def test_what_cannot_be_initialised_is_told_and_tried_again(functions: Functions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provisioning, "RETRY_FIRST_S", 0.01)
    function = functions.function({"lambda_function.py": "import helper\ndef handler(event, context):\n    return 1\n"})
    failed = await functions.compute.provision(function, 1)
    assert failed.available == 0
    assert failed.failure is not None
    assert b"No module named 'helper'" in failed.failure
    (function.code / "helper.py").write_text("")
    await until(functions, function, 1)
    assert functions.compute.provisioned(function.key) == Provisioned(1)


async def test_a_retired_function_keeps_none(functions: Functions) -> None:
    function = functions.function(WHO % "pass")
    await functions.compute.provision(function, 2)
    functions.compute.retire(function.key)
    assert functions.compute.provisioned(function.key) == Provisioned(0)
    assert (await functions.invoke(function)).initialization == "on-demand"


async def test_what_is_logged_ahead_is_told_at_once(functions: Functions) -> None:
    late: list[tuple[str, str, tuple[LogLine, ...]]] = []
    functions.compute.on_late_lines(lambda function, stream, lines: late.append((function.name, stream, lines)))
    function = functions.function("print('loading')\n" + WHO % "pass")
    await functions.compute.provision(function, 1)
    [(name, stream, lines)] = late
    assert (name, stream) == (function.name, document(await functions.invoke(function))[0])
    assert [line.text.split()[0] for line in lines] == ["INIT_START", "loading"]


async def test_snap_start_is_named(functions: Functions) -> None:
    answer = await functions.run(WHO % "pass", snap_start=True)
    assert (document(answer)[1], answer.initialization) == ("snap-start", "snap-start")
