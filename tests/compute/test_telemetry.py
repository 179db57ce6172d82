"""Telemetry: what subscribed extensions are sent, over HTTP and TCP, by the Telemetry and by the Logs API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, texts
from tests.compute.test_extensions import Extended
from tule.compute import shutdown
from tule.compute.telemetry import Buffering, Telemetry

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Subscribes, prints each batch as one line, and goes on like any extension.
LISTENER = """
import http.server
class Listener(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_POST(self):
        events = json.loads(self.rfile.read(int(self.headers['content-length'])))
        told = [event for event in events if 'batch' not in str(event['record'])]  # what it tells is telemetry too
        if told:
            tell('batch', self.path, json.dumps(told))
        self.send_response(200)
        self.send_header('content-length', '0')
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(('', 0), Listener)
port = server.server_port
threading.Thread(target=server.serve_forever, daemon=True).start()
register('INVOKE', 'SHUTDOWN')
wanted = {
    'schemaVersion': SCHEMA, 'types': TYPES, 'buffering': {'timeoutMs': 25, 'maxItems': 1000, 'maxBytes': 262144},
    'destination': {'protocol': 'HTTP', 'URI': f'http://sandbox.localdomain:{port}/batches'},
}
status, _, answer = said('PUT', PATH, wanted)
tell(status, answer)
while next()['eventType'] != 'SHUTDOWN':
    time.sleep(0.1)
time.sleep(0.1)
"""
TCP = """
import socketserver
class Listener(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            tell('line', line.decode().rstrip())
server = socketserver.ThreadingTCPServer(('', 0), Listener)
threading.Thread(target=server.serve_forever, daemon=True).start()
register('INVOKE', 'SHUTDOWN')
wanted = {'types': ['function'], 'buffering': {'timeoutMs': 25}, 'destination': {'protocol': 'TCP', 'port': server.server_address[1]}}
tell(said('PUT', '/2022-07-01/telemetry', wanted)[0])
while next()['eventType'] != 'SHUTDOWN':
    time.sleep(0.1)
"""


def listener(schema: str = "2022-12-13", types: Sequence[str] = ("platform", "function"), path: str = "/2022-07-01/telemetry") -> dict[str, str]:
    return {"listener": f"SCHEMA, TYPES, PATH = {schema!r}, {list(types)!r}, {path!r}\n{LISTENER}"}


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the host is, listeners take what is held, and say so, before their instance ends."""
    monkeypatch.setattr(shutdown, "FLUSH_S", 2.0)
    monkeypatch.setattr(shutdown, "EXTERNAL_S", 3.5)


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
    path = tmp_path_factory.mktemp("telemetry")
    path.chmod(0o755)
    return path


def batches(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The events that an extension was sent, in order."""
    return [event for text in lines if text.startswith("extension batch /batches ") for event in json.loads(text.split(" ", 3)[3])]


async def all_events(functions: Extended, code: str, programs: dict[str, str], event: object = None, **settings: Any) -> list[dict[str, Any]]:
    """What the extension was sent from the start of an instance to its end, over one invocation."""
    function = functions.with_extensions(code, programs=programs, **settings)
    answer = await functions.invoke(function, event)
    return batches([*texts(answer), *await functions.ended(function)])


async def test_everything_from_the_start_on_is_told(levels: Extended) -> None:
    events = await all_events(levels, "def handler(event, context):\n    print('hello')\n    return 'x' * 10\n", listener())
    kinds = [event["type"] for event in events]
    kinds.remove("platform.telemetrySubscription")  # while the runtime starts already
    assert kinds == [
        "platform.initStart",
        "platform.initRuntimeDone",
        "platform.extension",
        "platform.initReport",
        "platform.start",
        "function",
        "platform.runtimeDone",
        "platform.report",
    ]
    records = {event["type"]: event["record"] for event in events}
    assert records["platform.initStart"]["initializationType"] == "on-demand"
    assert records["platform.initStart"]["phase"] == "init"
    assert records["platform.telemetrySubscription"] == {"name": "listener", "state": "Subscribed", "types": ["platform", "function"]}
    assert records["platform.extension"] == {"name": "listener", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    assert records["platform.start"] == {"requestId": REQUEST_ID, "version": "$LATEST"}
    assert records["function"] == "hello\n"
    assert records["platform.runtimeDone"]["metrics"]["producedBytes"] == 12
    assert records["platform.report"]["status"] == "success"
    assert set(records["platform.report"]["metrics"]) == {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert all(event["time"].endswith("Z") for event in events)


async def test_failures_have_a_status(functions: Extended) -> None:
    code = "import os\ndef handler(event, context):\n    os._exit(3) if event else None\n    raise ValueError\n"
    raised = await all_events(functions, code, listener())
    assert [event["record"]["status"] for event in raised if event["type"] in ("platform.runtimeDone", "platform.report")] == ["failure"] * 2
    crashed = await all_events(functions, code, listener(), 1)
    [done] = [event["record"] for event in crashed if event["type"] == "platform.runtimeDone"]
    assert (done["status"], done["errorType"]) == ("error", "Runtime.ExitError")


async def test_what_functions_write_as_json_is_json(functions: Extended) -> None:
    code = "def handler(event, context):\n    print('{\"a\": 1}')\n    print('plain')\n"
    events = await all_events(functions, code, listener(types=["function"]), log_format="JSON")
    assert [event["record"] for event in events] == [{"a": 1}, "plain\n"]
    events = await all_events(functions, code, listener("2022-07-01", ["function"]), log_format="JSON")
    assert [event["record"] for event in events] == ['{"a": 1}\n', "plain\n"]


async def test_extensions_lines_are_of_their_own_type(functions: Extended) -> None:
    programs = listener(types=["extension"]) | {"talker": "register('INVOKE')\nwhile True:\n    next()\n    tell('talking')\n"}
    events = await all_events(functions, "def handler(event, context):\n    print('not this')\n", programs)
    assert {event["type"] for event in events} == {"extension"}
    assert "extension talking\n" in [event["record"] for event in events]


async def test_the_old_logs_api(functions: Extended) -> None:
    programs = listener("2020-08-15", ["platform", "function"], "/2020-08-15/logs")
    events = await all_events(functions, "def handler(event, context):\n    print('hello')\n", programs)
    assert [event["type"] for event in events] == [
        "platform.logsSubscription",
        "platform.extension",
        "platform.start",
        "function",
        "platform.end",
        "platform.report",
    ]
    assert events[4]["record"] == {"requestId": REQUEST_ID}


async def test_lines_by_tcp(levels: Extended) -> None:
    function = levels.with_extensions("def handler(event, context):\n    print('one')\n    print('two')\n", programs={"listener": TCP})
    answer = await levels.invoke(function)
    said = [*texts(answer), *await levels.ended(function)]
    lines = [json.loads(text.split(" ", 2)[2]) for text in said if text.startswith("extension line ")]
    assert [(line["type"], line["record"]) for line in lines] == [("function", "one\n"), ("function", "two\n")]


async def test_the_log_says_who_has_subscribed(functions: Extended) -> None:
    answer = await functions.invoke(functions.with_extensions(programs=listener()))
    assert "TELEMETRY\tName: listener\tState: Subscribed\tTypes: [platform, function]\n" in texts(answer)
    assert "extension 200 OK\n" in texts(answer)


SUBSCRIBE = """
import json
register('INVOKE')
good = {'types': ['platform'], 'destination': {'protocol': 'HTTP', 'URI': 'http://sandbox.localdomain:8080'}}
def subscribe(change, path='/2022-07-01/telemetry'):
    status, _, answer = said('PUT', path, {**good, **change})
    tell(status, answer['errorType'] if isinstance(answer, dict) else answer)
CHANGES
next()
subscribe({})
next()
"""


async def test_subscriptions_that_cannot_be_are_refused(functions: Extended) -> None:
    changes: list[dict[str, Any]] = [
        {"types": ["metrics"]},
        {"types": []},
        {"schemaVersion": "1999-01-01"},
        {"destination": {"protocol": "UDP"}},
        {"destination": {"protocol": "HTTP", "URI": "http://example.com:8080"}},
        {"destination": {"protocol": "HTTP", "URI": "http://sandbox.localdomain:80"}},
        {"destination": {"protocol": "TCP", "port": 9001}},
        {"buffering": {"maxItems": 1}},
        {"buffering": {"timeoutMs": 30001}},
    ]
    program = SUBSCRIBE.replace("CHANGES", "\n".join(f"subscribe({change!r})" for change in changes))
    function = functions.with_extensions(programs={"odd": program})
    said = [*texts(await functions.invoke(function)), *await functions.ended(function)]
    refused = [text.removeprefix("extension ").rstrip() for text in said if text.startswith("extension")]
    assert refused == ["400 ValidationError"] * len(changes) + ["403 Telemetry.SubscriptionClosed"]


class Taken:
    """A destination that takes what it is told to take."""

    def __init__(self, takes: bool = True) -> None:
        self.takes = takes
        self.batches: list[list[dict[str, Any]]] = []

    async def send(self, batch: Sequence[bytes]) -> bool:
        if self.takes:
            self.batches.append([json.loads(raw) for raw in batch])
        return self.takes

    def close(self) -> None: ...


async def test_a_batch_goes_when_it_is_full_or_old_enough() -> None:
    taken = Taken()
    telemetry = Telemetry(json_logs=False, wanted=True)
    telemetry.subscribe("one", ["function"], "2022-12-13", taken, Buffering(max_items=3, timeout_s=0.01))
    for number in range(4):
        telemetry.function(number, str(number))
    await telemetry.flush()
    assert [len(batch) for batch in taken.batches] == [3, 1]
    telemetry.function(4, "4")
    async with asyncio.timeout(5):
        while len(taken.batches) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    telemetry.close()


async def test_batches_are_limited_by_size() -> None:
    taken = Taken()
    telemetry = Telemetry(json_logs=False, wanted=True)
    telemetry.subscribe("one", ["function"], "2022-12-13", taken, Buffering(max_bytes=400, timeout_s=60))
    for number in range(6):
        telemetry.function(number, "x" * 100)
    await telemetry.flush()
    assert [len(batch) for batch in taken.batches] == [2, 2, 2]
    telemetry.close()


async def test_what_is_not_taken_waits_and_then_is_lost_which_is_told() -> None:
    taken = Taken(takes=False)
    telemetry = Telemetry(json_logs=False, wanted=True)
    telemetry.subscribe("one", ["function"], "2022-12-13", taken, Buffering(max_bytes=1 << 20, timeout_s=60))
    for number in range(6):
        telemetry.function(number, "x" * (1 << 20))
    await telemetry.flush()
    taken.takes = True
    await telemetry.flush()
    records = [event["record"] for batch in taken.batches for event in batch if event["type"] == "platform.logsDropped"]
    assert [record["droppedRecords"] for record in records] == [3]
    assert sum(event["type"] == "function" for batch in taken.batches for event in batch) == 3
    telemetry.close()
