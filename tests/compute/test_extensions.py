"""Extensions: external ones beside every kind of runtime, internal ones, what they are told, how they fail, how they end."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.extension_programs import LOOP, layer
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute.compute import FunctionSpec, LogLine
from tule.compute.families import InstalledRuntimes
from tule.compute.runtimes import installed_nodes
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

pytestmark = pytest.mark.asyncio(loop_scope="module")

ECHO = "def handler(event, context):\n    print('handling')\n    return event\n"
NODE = {"index.js": "exports.handler = async (event) => event;"}
BOOTSTRAP = """#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
def ask(method, path, body=None):
    api.request(method, '/2018-06-01/runtime' + path, body)
    answer = api.getresponse()
    return dict(answer.getheaders()), answer.read()
while True:
    headers, event = ask('GET', '/invocation/next')
    ask('POST', '/invocation/' + headers['lambda-runtime-aws-request-id'] + '/response', event)
"""


class Extended(Functions):
    """Late lines are kept by the function's name."""

    def __init__(self, directory: Path, level: int) -> None:
        super().__init__(directory, level)
        runtimes = InstalledRuntimes(directory / "data")
        config = Config(data=str(directory / "data"), parked=1)
        self.compute = Supervisor(config, self.clock, Ids(), None, runtimes=runtimes, best_level=level)
        self.late: dict[str, list[str]] = {}
        self.compute.on_late_lines(self._take)
        self._layers = itertools.count(1)

    def _take(self, function: FunctionSpec, stream: str, lines: tuple[LogLine, ...]) -> None:
        self.late.setdefault(function.name, []).extend(line.text for line in lines)

    def with_extensions(self, code: Any = ECHO, mode: int = 0o755, programs: dict[str, str] | None = None, **settings: Any) -> FunctionSpec:
        made = layer(self.directory / f"layer-{next(self._layers)}", programs or {"first": LOOP}, mode)
        function = self.function(code, **({"layers": (made,), "timeout_s": 10} | settings))
        if (function.code / "bootstrap").exists():
            (function.code / "bootstrap").chmod(0o755)
        return function

    async def reported(self, function: FunctionSpec, times: int) -> list[str]:
        """Its late lines, once so many of them are reports."""
        async with asyncio.timeout(10):
            while sum(text.startswith("REPORT") for text in self.late.get(function.name, ())) < times:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return self.late[function.name]

    async def ended(self, function: FunctionSpec) -> list[str]:
        """Its late lines, once it has none that runs."""
        self.compute.retire(function.key)
        async with asyncio.timeout(10):
            while any(sandbox.function_key == function.key for sandbox in self.compute.sandboxes()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await asyncio.wait([*self.compute._tasks] or [asyncio.create_task(asyncio.sleep(0))])
        return self.late.get(function.name, [])


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def levels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Extended]:
    made = Extended(_readable(tmp_path_factory), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def functions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Extended]:
    made = Extended(_readable(tmp_path_factory), LEVELS[0])
    yield made
    await made.compute.stop()


def _readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("extensions")
    path.chmod(0o755)
    return path


FAMILIES: list[Any] = [
    pytest.param({"lambda_function.py": ECHO}, {}, id="python"),
    pytest.param({"bootstrap": BOOTSTRAP}, {"runtime": "provided.al2023"}, id="provided"),
]
if installed_nodes():
    FAMILIES.append(pytest.param(NODE, {"runtime": "nodejs20.x", "handler": "index.handler"}, id="nodejs"))


@pytest.mark.parametrize(("code", "settings"), FAMILIES)
async def test_an_extension_lives_beside_every_runtime(levels: Extended, code: dict[str, str], settings: dict[str, Any]) -> None:
    function = levels.with_extensions(code, **settings)
    first, second = await levels.invoke(function, [1]), await levels.invoke(function, {"a": 2})
    assert (document(first), document(second)) == ([1], {"a": 2})
    said = [text for answer in (first, second) for text in texts(answer)]
    assert said.count(f"extension INVOKE {REQUEST_ID}\n") == 2
    assert "EXTENSION\tName: first\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in texts(first)
    assert second.init_ms is None
    assert "extension SHUTDOWN spindown\n" in await levels.ended(function)


async def test_what_an_extension_is_told(functions: Extended) -> None:
    program = """
status, answer = register('INVOKE', Lambda_Extension_Accept_Feature='accountId')
tell(status, json.dumps(answer))
while True:
    tell(json.dumps(next()))
"""
    function = functions.with_extensions(programs={"watcher": program})
    answer = await functions.compute.invoke(function, b"{}", request_id=REQUEST_ID, trace="Root=1-2-3")
    said = "".join(texts(answer))
    assert f'extension 200 {{"functionName": "{function.name}", "functionVersion": "$LATEST", "handler": "lambda_function.handler"' in said
    assert '"accountId": "000000000000"' in said
    [event] = re.findall(r"extension (\{\"eventType.*\})\n", said)
    told = json.loads(event)
    assert told["deadlineMs"] > 1_700_000_000_000
    del told["deadlineMs"]
    tracing = {"type": "X-Amzn-Trace-Id", "value": "Root=1-2-3"}
    assert told == {"eventType": "INVOKE", "requestId": REQUEST_ID, "invokedFunctionArn": function.arn, "tracing": tracing}


async def test_an_extension_sees_the_instance_but_not_the_runtimes_variables(functions: Extended) -> None:
    program = """
open('/tmp/from-extension', 'w').write('here')
register()
tell(sorted(name for name in os.environ if name in ('_HANDLER', 'AWS_EXECUTION_ENV', 'LAMBDA_TASK_ROOT', 'AWS_LAMBDA_LOG_STREAM_NAME', 'MINE')))
tell(os.getuid(), os.path.exists('/var/task/lambda_function.py'))
next()
"""
    code = "import os\ndef handler(event, context):\n    return [open('/tmp/from-extension').read(), os.getuid()]\n"
    answer = await functions.invoke(functions.with_extensions(code, programs={"one": program}, environment={"MINE": "x"}))
    shared, uid = document(answer)
    assert shared == "here"
    assert {"extension ['MINE']\n", f"extension {uid} True\n"} <= set(texts(answer))


async def test_the_runtime_starts_once_all_have_registered(functions: Extended) -> None:
    slow = "time.sleep(0.2)\nopen('/tmp/registered', 'w').close()\nregister()\nnext()\n"
    code = "import os\nseen = os.path.exists('/tmp/registered')\ndef handler(event, context):\n    return seen\n"
    answer = await functions.invoke(functions.with_extensions(code, programs={"quick": LOOP, "slow": slow}))
    assert document(answer) is True
    assert answer.init_ms is not None
    assert answer.init_ms > 200


async def test_the_answer_does_not_wait_for_extensions_but_the_instance_does(functions: Extended) -> None:
    program = "register('INVOKE')\nwhile True:\n    next()\n    time.sleep(0.4)\n    tell('done')\n"
    function = functions.with_extensions(programs={"slow": program})
    await functions.invoke(function, 0)
    await functions.reported(function, 1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    first = await functions.invoke(function, 1)
    assert loop.time() - began < 0.35
    assert not any(text.startswith("REPORT") for text in texts(first))
    late = await functions.reported(function, 2)
    assert late[-3:-1] == ["extension done\n", f"END RequestId: {REQUEST_ID}\n"]
    [duration] = re.findall(r"Duration: ([\d.]+) ms\tBilled", late[-1])
    assert float(duration) >= 400


async def test_an_extension_that_outlasts_the_time_out_ends_its_instance(functions: Extended) -> None:
    program = "register('INVOKE', 'SHUTDOWN')\nnext()\ntime.sleep(60)\n"
    function = functions.with_extensions(programs={"stuck": program}, timeout_s=0.3)
    first = await functions.invoke(function, 1)
    assert document(first) == 1
    assert any("Task timed out after 0.30 seconds" in text for text in await functions.reported(function, 1))
    assert (await functions.invoke(function, 2)).log_stream != first.log_stream


async def test_a_time_out_is_told_to_extensions(functions: Extended) -> None:
    function = functions.with_extensions("import time\ndef handler(event, context):\n    time.sleep(60)\n", timeout_s=0.4)
    answer = await functions.invoke(function)
    assert document(answer)["errorType"] == "Sandbox.Timedout"
    assert "extension SHUTDOWN timeout\n" in await functions.ended(function)


async def test_a_crash_of_the_runtime_is_told_to_extensions(levels: Extended) -> None:
    function = levels.with_extensions("import os\ndef handler(event, context):\n    os._exit(3)\n")
    answer = await levels.invoke(function)
    assert document(answer)["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert "extension SHUTDOWN failure\n" in await levels.ended(function)


@pytest.mark.parametrize(
    ("program", "error_type", "message", "state"),
    [
        ("sys.exit(3)", "Extension.Crash", "exit status 3", "State: Exited\tEvents: []\tError Type: Extension.Crash"),
        ("register('INVOKE')\nos.kill(os.getpid(), 9)", "Extension.Crash", "signal: killed", "State: Exited\tEvents: [INVOKE]"),
        (
            "register('INVOKE')\nsaid('POST', '/2020-01-01/extension/init/error', {'errorMessage': 'no config'},"
            " {'Lambda-Extension-Function-Error-Type': 'Extension.NoConfig'})\ntime.sleep(9)",
            "Extension.InitError",
            "Extension.NoConfig: no config",
            "State: InitError\tEvents: [INVOKE]\tError Type: Extension.NoConfig",
        ),
        ("#!/nothing/there\n", "Extension.Crash", "exit status 127", "State: Exited"),
    ],
)
async def test_an_extension_that_fails_in_init_fails_the_function(
    functions: Extended, program: str, error_type: str, message: str, state: str
) -> None:
    answer = await functions.invoke(functions.with_extensions(programs={"bad": program}))
    assert (answer.error, document(answer)) == ("Unhandled", {"errorType": error_type, "errorMessage": f"RequestId: {REQUEST_ID} Error: {message}"})
    assert sum(state in text for text in texts(answer)) == 2, "of both tries"


async def test_an_extension_that_fails_later_ends_the_invocation(functions: Extended) -> None:
    program = """
register('INVOKE')
next()
said('POST', '/2020-01-01/extension/exit/error', {'errorMessage': 'gave up'}, {'Lambda-Extension-Function-Error-Type': 'Extension.Tired'})
time.sleep(60)
"""
    function = functions.with_extensions("import time\ndef handler(event, context):\n    time.sleep(8)\n", programs={"tired": program})
    answer = await functions.invoke(function)
    assert document(answer)["errorType"] == "Extension.ExitError"
    assert document(answer)["errorMessage"].endswith("Extension.Tired: gave up")


async def test_a_file_that_cannot_be_executed_is_a_launch_error(functions: Extended) -> None:
    answer = await functions.invoke(functions.with_extensions(mode=0o644))
    assert document(answer)["errorType"] in ("Extension.LaunchError", "Extension.Crash")
    assert any("fork/exec /opt/extensions/first: permission denied" in text for text in texts(answer))


async def test_requests_that_make_no_sense_are_refused(functions: Extended) -> None:
    program = """
def refused(*request):
    status, headers, body = said(*request)
    tell(status, body['errorType'])
PATH = '/2020-01-01/extension/'
refused('POST', PATH + 'register', {'events': []})
refused('POST', PATH + 'register', {'events': ['SLEEP']}, {'Lambda-Extension-Name': name})
refused('POST', PATH + 'register', {'events': ['SHUTDOWN']}, {'Lambda-Extension-Name': 'stranger'})
refused('GET', PATH + 'event/next')
refused('GET', PATH + 'event/next', None, {'Lambda-Extension-Identifier': 'x'})
refused('GET', PATH + 'event/next', None, {'Lambda-Extension-Identifier': '8f507cfc-0000-4697-b07a-ac58fc914c95'})
refused('GET', PATH + 'nothing')
register('INVOKE')
refused('POST', PATH + 'register', {'events': []}, {'Lambda-Extension-Name': name})
refused('POST', PATH + 'init/error', {})
next()
refused('POST', PATH + 'register', {'events': []}, {'Lambda-Extension-Name': 'late'})
next()
"""
    answer = await functions.invoke(functions.with_extensions(programs={"odd": program}))
    assert [text.removeprefix("extension ").rstrip() for text in texts(answer) if text.startswith("extension")] == [
        "400 Extension.InvalidExtensionName",
        "400 Extension.InvalidEventType",
        "403 ShutdownEventNotSupportedForInternalExtension",
        "403 Extension.MissingExtensionIdentifier",
        "403 Extension.InvalidExtensionIdentifier",
        "403 Extension.UnknownExtensionIdentifier",
        "404 InvalidRequest",
        "403 Extension.AlreadyRegistered",
        "403 Extension.MissingHeader",
        "403 Extension.RegistrationClosed",
    ]


INTERNAL = """
import http.client, json, os, signal, sys, threading
def ask(api, method, path, headers, body=None):
    api.request(method, '/2020-01-01/extension/' + path, body, headers)
    answer = api.getresponse()
    return dict(answer.getheaders()), answer.read()
def live():
    api = http.client.HTTPConnection(os.environ['AWS_LAMBDA_RUNTIME_API'])
    headers, _ = ask(api, 'POST', 'register', {'Lambda-Extension-Name': 'inner'}, '{"events": ["INVOKE"]}')
    registered.set()
    mine = {'Lambda-Extension-Identifier': headers['lambda-extension-identifier']}
    while True:
        print('inner', json.loads(ask(api, 'GET', 'event/next', mine)[1])['eventType'], flush=True)
registered = threading.Event()
threading.Thread(target=live, daemon=True).start()
registered.wait()
def bye(*_):
    print('terminated', flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, bye)
def handler(event, context):
    return event
"""


async def test_an_extension_may_live_in_the_runtimes_process(levels: Extended) -> None:
    function = levels.function(INTERNAL, timeout_s=10)
    first, second = await levels.invoke(function, 1), await levels.invoke(function, 2)
    assert (document(first), document(second)) == (1, 2)
    assert "EXTENSION\tName: inner\tState: Ready\tEvents: [INVOKE]\n" in texts(first)
    assert "inner INVOKE\n" in texts(second)
    assert "terminated\n" in await levels.ended(function)


async def test_a_runtime_without_extensions_is_not_asked_to_end(functions: Extended) -> None:
    code = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('terminated', flush=True))\ndef handler(event, context):\n    return 1\n"
    function = functions.function(code)
    await functions.invoke(function)
    assert await functions.ended(function) == []


@pytest.mark.parametrize(("events", "seconds"), [("'INVOKE', 'SHUTDOWN'", 2.0), ("'INVOKE'", 2.0)])
async def test_who_does_not_end_is_ended(functions: Extended, events: str, seconds: float) -> None:
    program = f"signal.signal(signal.SIGTERM, lambda *_: tell('asked to'))\nregister({events})\nnext()\ntell('told')\n"
    program += "try:\n    next()\nfinally:\n    time.sleep(60)\n"
    function = functions.with_extensions(programs={"stubborn": program})
    await functions.invoke(function)
    loop = asyncio.get_running_loop()
    began = loop.time()
    late = await functions.ended(function)
    assert seconds - 0.1 <= loop.time() - began < seconds + 1
    assert ("extension asked to\n" in late) == ("SHUTDOWN" not in events)
