"""What is started ahead, for functions that have not been invoked yet."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.compute.conftest import LEVELS
from tests.compute.functions import Functions


async def test_a_runtime_that_was_prepared_has_instances_waiting(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    functions = Functions(tmp_path, LEVELS[0])
    try:
        functions.compute.prepare("python3.11")
        async with asyncio.timeout(30):
            while functions.compute.describe()["instances"] != {"all": 0, "idle": 0, "parked": 2}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        parked = functions.compute.sandboxes()
        assert await functions.value("def handler(event, context): return event", 5) == 5
        assert len([sandbox for sandbox in parked if sandbox.function_key]) == 1
    finally:
        await functions.compute.stop()


async def test_instances_that_were_started_ahead_have_the_sdk_loaded(tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    sdk.mkdir()
    (sdk / "boto3.py").write_text("import time\ntime.sleep(0.2)\n")
    tmp_path.chmod(0o755)
    functions = Functions(tmp_path, LEVELS[0], sdk=sdk)
    try:
        functions.compute.prepare("python3.11")
        async with asyncio.timeout(30):
            while functions.compute.describe()["instances"] != {"all": 0, "idle": 0, "parked": 2}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await functions.value("import sys\nLOADED = 'boto3' in sys.modules\ndef handler(event, context): return LOADED") is True
    finally:
        await functions.compute.stop()


async def test_what_a_function_brings_of_the_sdk_itself_comes_first(tmp_path: Path) -> None:
    sdk = tmp_path / "sdk"
    sdk.mkdir()
    (sdk / "six.py").write_text("WHOSE = 'the runtime'\n")
    (sdk / "boto3.py").write_text("import six\n")
    tmp_path.chmod(0o755)
    functions = Functions(tmp_path, LEVELS[0], sdk=sdk)
    tell = "import sys\nAHEAD = 'six' in sys.modules\nimport six\ndef handler(event, context): return [AHEAD, getattr(six, 'WHOSE', '')]"
    try:
        functions.compute.prepare("python3.11")
        async with asyncio.timeout(30):
            while functions.compute.describe()["instances"] != {"all": 0, "idle": 0, "parked": 2}:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        ahead, whose = await functions.value(tell)
        assert ahead
        assert whose != "the function"
        for own in ("six.py", "six/__init__.py"):
            done = await functions.run({"lambda_function.py": tell, own: "WHOSE = 'the function'\n"})
            assert json.loads(done.payload) == [False, "the function"]
    finally:
        await functions.compute.stop()


async def test_a_runtime_that_nothing_here_runs_is_prepared_without_ado(tmp_path: Path) -> None:
    functions = Functions(tmp_path, LEVELS[0])
    functions.compute.prepare("cobol85")
    await functions.compute.stop()
    assert functions.compute.sandboxes() == []
