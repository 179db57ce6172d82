"""AWS_LAMBDA_EXEC_WRAPPER: a script of the function's own starts the runtime."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import Functions, document, texts
from tule.compute.compute import FunctionSpec
from tule.compute.families import InstalledRuntimes
from tule.compute.runtime_contract import Runtimes
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

pytestmark = pytest.mark.asyncio(loop_scope="module")

# As AWS's documentation has it: options go before the last argument.
WRAPPER = """#!/bin/bash
args=("$@")
extra_args=(%s)
args=("${args[@]:0:$#-1}" "${extra_args[@]}" "${args[@]: -1}")
export ADDED="by the wrapper" KEPT="$KEPT and seen"
exec "${args[@]}"
"""
PYTHON = (
    "import os, sys\n"
    "def handler(event, context):\n"
    "    return {'flags': sys.flags.dev_mode, 'added': os.environ['ADDED'], 'kept': os.environ['KEPT'], 'request': context.aws_request_id,\n"
    "            'ours': [name for name in os.environ if name.startswith('TULE')], 'event': event, 'modules': 'inside' in sys.modules}\n"
)
NODE = (
    "exports.handler = async (event, context) => ({ flags: process.execArgv, added: process.env.ADDED, kept: process.env.KEPT,\n"
    "  request: context.awsRequestId, ours: Object.keys(process.env).filter((name) => name.startsWith('TULE')), event });\n"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Functions]:
    """Functions on the host's own interpreters."""
    directory = tmp_path_factory.mktemp("functions")
    directory.chmod(0o755)
    made = Functions(directory, request.param)
    runtimes: Runtimes = InstalledRuntimes(directory / "data")
    made.compute = Supervisor(Config(data=str(directory / "data")), made.clock, Ids(), runtimes=runtimes, best_level=request.param)
    yield made
    await made.compute.stop()


def wrapped(functions: Functions, files: dict[str, str], options: str, **settings: object) -> FunctionSpec:
    """A function whose wrapper lies in a layer."""
    layer = functions.directory / f"layer-{len(list(functions.directory.iterdir()))}"
    layer.mkdir()
    script(layer / "wrapper", WRAPPER % options)
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper", "KEPT": "given"}
    return functions.function(files, layers=(layer,), environment=environment, **settings)


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


async def test_a_wrapper_starts_python_with_options_and_variables_of_its_own(functions: Functions) -> None:
    function = wrapped(functions, {"lambda_function.py": PYTHON}, '"-X" "dev"')
    first = await functions.invoke(function, {"n": 1})
    assert first.error is None, texts(first)
    value = json.loads(first.payload)
    assert value.pop("request")
    assert value == {"flags": True, "added": "by the wrapper", "kept": "given and seen", "ours": [], "event": {"n": 1}, "modules": False}
    second = await functions.invoke(function, {"n": 2})
    assert json.loads(second.payload)["event"] == {"n": 2}
    assert second.init_ms is None, "the instance is used again"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
async def test_a_wrapper_starts_node_with_options_and_variables_of_its_own(installed: Functions) -> None:
    function = wrapped(installed, {"index.js": NODE}, '"--no-deprecation"', runtime="nodejs20.x", handler="index.handler", timeout_s=20)
    answer = await installed.invoke(function, {"n": 1})
    assert answer.error is None, texts(answer)
    value = json.loads(answer.payload)
    assert value.pop("request")
    assert value == {"flags": ["--no-deprecation"], "added": "by the wrapper", "kept": "given and seen", "ours": [], "event": {"n": 1}}


async def test_a_wrapped_python_finds_the_sdk_of_the_runtime(installed: Functions) -> None:
    code = "import boto3\ndef handler(event, context): return boto3.session.Session().region_name\n"
    function = wrapped(installed, {"lambda_function.py": code}, "", timeout_s=30, memory_mb=512)
    answer = await installed.invoke(function)
    assert (answer.error, answer.payload) == (None, b'"us-east-1"'), texts(answer)


@pytest.mark.parametrize(
    ("wrapper", "why"),
    [("/opt/absent", "no such file or directory"), ("/var/task/plain", "permission denied"), ("/var/task/data", "exec format error")],
)
async def test_a_wrapper_that_cannot_be_executed_is_an_invalid_entrypoint(functions: Functions, wrapper: str, why: str) -> None:
    function = functions.function(
        {"lambda_function.py": "handler = print", "plain": "#!/bin/sh\n", "data": "data"}, environment={"AWS_LAMBDA_EXEC_WRAPPER": wrapper}
    )
    (function.code / "data").chmod(0o755)
    answer = await functions.invoke(function)
    assert document(answer)["errorType"] == "Runtime.InvalidEntrypoint"
    assert document(answer)["errorMessage"].endswith(f"Error: fork/exec {wrapper}: {why}")


async def test_a_wrapper_that_ends_without_a_runtime_fails_the_invocation(functions: Functions) -> None:
    function = functions.function(
        {"lambda_function.py": "handler = print", "wrapper": ""}, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/wrapper"}
    )
    script(function.code / "wrapper", "#!/bin/sh\necho gave up\nexit 3\n")
    answer = await functions.invoke(function)
    assert document(answer)["errorType"] == "Runtime.ExitError"
    assert "gave up" in "".join(texts(answer))
