"""Answers that are read while they are written: of Node.js handlers, and of custom runtimes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.compute.conftest import LEVELS
from tests.compute.functions import REQUEST_ID, Functions, document, texts
from tule.compute import answers
from tule.compute.answers import AnswerStream
from tule.compute.compute import HTTP_INTEGRATION, FunctionSpec, FunctionUnavailable
from tule.compute.families import InstalledRuntimes
from tule.compute.runtimes import installed_nodes
from tule.compute.supervisor import Supervisor
from tule.core.config import Config
from tule.core.ids import Ids

pytestmark = pytest.mark.asyncio(loop_scope="module")
needs_node = pytest.mark.skipif(not installed_nodes(), reason="Node.js is not installed")

# A runtime that sends one chunk for each item of the event; the last item may be an error's document.
STREAMING = """#!/usr/bin/env python3
import base64, json, os, socket, sys
host, _, port = os.environ['AWS_LAMBDA_RUNTIME_API'].partition(':')
API = '/2018-06-01/runtime/invocation/'
def ask(head, pieces=(), trailers=b''):
    api = socket.create_connection((host, int(port)))
    api.sendall(head.encode() + b'\\r\\n')
    for piece in pieces:
        api.sendall(b'%x\\r\\n%b\\r\\n' % (len(piece), piece))
    if pieces or trailers:
        api.sendall(b'0\\r\\n' + trailers + b'\\r\\n')
    answer = b''
    while chunk := api.recv(65536):
        answer += chunk
    head, _, body = answer.partition(b'\\r\\n\\r\\n')
    return head.decode().split('\\r\\n'), body
while True:
    head, body = ask('GET ' + API + 'next HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n')
    names = dict(line.lower().split(': ', 1) for line in head[1:])
    event = json.loads(body)
    error = event.pop() if isinstance(event[-1], dict) else None
    trailers = b''
    if error == {}:
        os._exit(1)
    if error:
        raw = base64.b64encode(json.dumps(error).encode())
        trailers = b'Lambda-Runtime-Function-Error-Type: ' + error['errorType'].encode() + b'\\r\\n'
        trailers += b'Lambda-Runtime-Function-Error-Body: ' + raw + b'\\r\\n'
    start = 'POST ' + API + names['lambda-runtime-aws-request-id'] + '/response HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\n'
    start += 'Lambda-Runtime-Function-Response-Mode: streaming\\r\\ntransfer-encoding: chunked\\r\\ncontent-type: text/plain\\r\\n'
    start += 'Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\\r\\n'
    head, _ = ask(start, [each.encode() for each in event], trailers)
    print(head[0], flush=True)
"""

BOTH_WAYS = """
const { setTimeout: after } = require('timers/promises');
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  for (const piece of event) { stream.write(piece); await after(5); }
  stream.end();
});
"""


class Streaming(Functions):
    def __init__(self, directory: Path, level: int) -> None:
        super().__init__(directory, level)
        runtimes = InstalledRuntimes(directory / "data")
        self.compute = Supervisor(Config(data=str(directory / "data")), self.clock, Ids(), None, runtimes=runtimes, best_level=level)

    def provided(self, code: str = STREAMING) -> FunctionSpec:
        made = self.function({"bootstrap": code}, runtime="provided.al2023", timeout_s=10)
        (made.code / "bootstrap").chmod(0o755)
        return made

    def node(self, code: str, **settings: Any) -> FunctionSpec:
        return self.function({"index.js": code}, **({"runtime": "nodejs20.x", "handler": "index.handler", "timeout_s": 10} | settings))

    async def stream(self, function: FunctionSpec, event: object = None) -> AnswerStream:
        return await self.compute.invoke_streaming(function, json.dumps(event).encode(), request_id=REQUEST_ID)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=LEVELS, ids=lambda level: f"level{level}")
async def levels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Streaming]:
    made = Streaming(_readable(tmp_path_factory), request.param)
    yield made
    await made.compute.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def functions(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Streaming]:
    made = Streaming(_readable(tmp_path_factory), LEVELS[0])
    yield made
    await made.compute.stop()


def _readable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("streaming")
    path.chmod(0o755)
    return path


async def chunks(stream: AnswerStream) -> list[bytes]:
    return [chunk async for chunk in stream]


@needs_node
async def test_chunks_come_while_the_handler_still_writes(levels: Streaming) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType('text/plain');
  stream.write('first');
  await new Promise((go) => setTimeout(go, 50));
  stream.end('last');
});
"""
    stream = await levels.stream(levels.node(code))
    assert (stream.streamed, stream.content_type) == (True, "text/plain")
    first = await anext(aiter(stream))
    assert first == b"first"
    assert await chunks(stream) == [b"last"]
    end = await stream.end()
    assert (end.error, end.payload) == (None, b"")
    assert texts(end)[-1].startswith("REPORT ")


async def test_a_custom_runtime_streams(levels: Streaming) -> None:
    function = levels.provided()
    for event in (["a", "é", "c"], ["once"]):
        stream = await levels.stream(function, event)
        assert stream.content_type == "text/plain"
        assert b"".join(await chunks(stream)).decode() == "".join(event)
        assert (await stream.end()).error is None


async def test_an_error_after_the_first_chunks_comes_in_trailers(levels: Streaming) -> None:
    error = {"errorType": "Mine", "errorMessage": "half way"}
    stream = await levels.stream(levels.provided(), ["a", "b", error])
    assert b"".join(await chunks(stream)) == b"ab"
    end = await stream.end()
    assert (end.error, document(end)) == ("Unhandled", error)


async def test_a_runtime_that_ends_within_its_answer_is_told(functions: Streaming) -> None:
    asked = "    head, _ = ask(start, ["
    code = STREAMING.replace(asked, "    os._exit(7) if event == ['x'] else None\n" + asked)
    function = functions.provided(code)
    await chunks(await functions.stream(function, ["warm"]))
    stream = await functions.stream(function, ["x"])
    assert await chunks(stream) == []
    assert not stream.streamed
    assert document(await stream.end())["errorMessage"].endswith("exit status 7")


async def test_who_wants_it_whole_gets_it_whole(functions: Streaming) -> None:
    function = functions.provided()
    assert (await functions.invoke(function, ["a", "b"])).payload == b"ab"
    failed = await functions.invoke(function, ["a", {"errorType": "Mine", "errorMessage": "no"}])
    assert (failed.error, document(failed)["errorMessage"]) == ("Unhandled", "no")


async def test_a_function_that_does_not_stream_answers_in_one_chunk(functions: Streaming) -> None:
    stream = await functions.stream(functions.function("def handler(event, context):\n    return {'a': event}\n"), 1)
    assert (stream.streamed, stream.content_type) == (False, "application/json")
    assert await chunks(stream) == [b'{"a": 1}']


async def test_an_error_before_any_chunk_is_the_end(functions: Streaming) -> None:
    stream = await functions.stream(functions.function("def handler(event, context):\n    raise ValueError('no')\n"))
    assert await chunks(stream) == []
    end = await stream.end()
    assert (end.error, document(end)["errorMessage"]) == ("Unhandled", "no")


async def test_what_cannot_run_at_all_is_raised(functions: Streaming) -> None:
    with pytest.raises(FunctionUnavailable):
        await functions.stream(functions.function("", runtime="cobol74"))


@needs_node
async def test_metadata_goes_before_the_body(functions: Streaming) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'x-a': 'b' } });
  stream.write('body');
  stream.end();
});
"""
    stream = await functions.stream(functions.node(code))
    assert stream.content_type == HTTP_INTEGRATION
    whole = b"".join(await chunks(stream))
    metadata, _, body = whole.partition(b"\0" * 8)
    assert (json.loads(metadata), body) == ({"statusCode": 201, "headers": {"x-a": "b"}}, b"body")


@needs_node
async def test_a_handler_that_throws_half_way_keeps_what_was_written(functions: Streaming) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('half');
  await new Promise((go) => setTimeout(go, 10));
  throw new TypeError('way');
});
"""
    stream = await functions.stream(functions.node(code))
    assert await chunks(stream) == [b"half"]
    end = await stream.end()
    assert (end.error, document(end)["errorType"], document(end)["errorMessage"]) == ("Unhandled", "TypeError", "way")


@needs_node
async def test_a_stream_that_takes_too_long_is_cut(functions: Streaming) -> None:
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.write('a');
  await new Promise(() => setTimeout(() => {}, 9e4));
});
"""
    stream = await functions.stream(functions.node(code, timeout_s=0.5))
    assert await chunks(stream) == [b"a"]
    assert document(await stream.end())["errorType"] == "Sandbox.Timedout"


@needs_node
async def test_objects_are_written_as_json(functions: Streaming) -> None:
    code = "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write({ a: 1 }); stream.end([2]); });"
    assert b"".join(await chunks(await functions.stream(functions.node(code)))) == b'{"a":1}[2]'


@needs_node
async def test_large_answers_pass_whole_and_at_their_readers_pace(functions: Streaming) -> None:
    code = """
const { once } = require('events');
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  for (let n = 0; n < event; n += 1) if (!stream.write(Buffer.alloc(1 << 20, n))) await once(stream, 'drain');
  stream.end();
});
"""
    function = functions.node(code)
    stream = await functions.stream(function, 6)
    await asyncio.sleep(0)
    assert stream._waiting <= answers.MAX_WAITING + (1 << 20)
    whole = b"".join(await chunks(stream))
    assert whole == b"".join(bytes([n]) * (1 << 20) for n in range(6))
    too_large = await functions.invoke(function, 7)
    assert document(too_large)["errorType"] == "Function.ResponseSizeTooLarge"
    assert (await functions.invoke(function, 1)).init_ms is None, "the instance survives"


@needs_node
async def test_what_nobody_reads_does_not_hold_up_the_function(functions: Streaming) -> None:
    function = functions.node(BOTH_WAYS)
    stream = await functions.stream(function, ["a" * (2 << 20), "b" * (2 << 20)])
    stream.discard()
    assert (await stream.end()).error is None
    assert await chunks(stream) == []


async def test_beyond_six_megabytes_it_comes_at_two_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("tule.compute.answers.asyncio.sleep", sleep)
    stream = AnswerStream()
    reading = asyncio.create_task(anext(aiter(stream)))
    await stream.write(b"x" * (6 << 20))
    assert await reading
    assert slept == []
    stream.discard()
    other = AnswerStream()
    other._waiting = -(100 << 20)
    await other.write(b"x" * (6 << 20))
    await other.write(b"x" * (1 << 20))
    assert slept == [pytest.approx(0.5, abs=0.1)]


async def test_more_than_two_hundred_megabytes_is_too_much() -> None:
    stream = AnswerStream()
    stream.discard()
    for _ in range(201):
        await stream.write(b"x" * (1 << 20))
    assert stream.size > stream.limit == 209_715_200
