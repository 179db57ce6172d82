"""The HTTP server against raw sockets: what clients send, and what they should not send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tule.server.http1 import HIGH_WATER_BYTES, Limits, Server
from tule.wire.http import Request, Response

Exchange = Callable[[bytes], Awaitable[bytes]]


async def echo(request: Request) -> Response:
    body = await request.stream.read(10_000_000)
    return Response(200, {"x-method": request.method, "x-path": request.path, "x-query": request.query}, body)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> str:
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)).decode()

    async def exactly(self, count: int) -> bytes:
        return await asyncio.wait_for(self.reader.readexactly(count), 10)

    async def rest(self) -> bytes:
        return await asyncio.wait_for(self.reader.read(), 10)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    servers: list[Server] = []
    clients: list[Client] = []

    async def start(handler: Callable[[Request], Awaitable[Response]] = echo, limits: Limits | None = None) -> Client:
        server = Server(limits)
        servers.append(server)
        listener = await server.listen(handler, host="127.0.0.1")
        port = listener.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        client.server = server  # type: ignore[attr-defined]
        clients.append(client)
        return client

    yield start
    for client in clients:
        client.writer.close()
    for server in servers:
        await server.stop(1)


async def test_a_request_is_answered_and_the_connection_kept(serve):
    client = await serve()
    for _ in range(3):
        client.send(b"POST /a%20b?x=1&y HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello")
        head = await client.head()
        assert head.startswith("HTTP/1.1 200 OK\r\n")
        assert "x-path: /a%20b\r\n" in head
        assert "x-query: x=1&y\r\n" in head
        assert await client.exactly(5) == b"hello"


async def test_pipelined_requests_are_answered_in_order(serve):
    client = await serve()
    client.send(b"".join(b"PUT /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d" % (i, i) for i in range(8)))
    for i in range(8):
        assert f"x-path: /{i}\r\n" in await client.head()
        assert await client.exactly(1) == b"%d" % i


async def test_a_chunked_body_arrives_whole(serve):
    client = await serve()
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n")
    await client.head()
    assert await client.exactly(7) == b"abcdefg"


async def test_a_client_that_expects_100_continue_gets_it_when_the_body_is_wanted(serve):
    client = await serve()
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert (await client.head()).startswith("HTTP/1.1 100 Continue")
    client.send(b"ok")
    assert (await client.head()).startswith("HTTP/1.1 200")
    assert await client.exactly(2) == b"ok"


async def test_a_refused_client_that_expects_100_continue_never_sends_its_body(serve):
    async def refuse(request: Request) -> Response:
        return Response(403, {}, b"no")

    client = await serve(refuse)
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n")
    head = await client.head()
    assert head.startswith("HTTP/1.1 403")
    assert "connection: close" in head  # whether the body still comes, nobody knows: the next request needs a connection of its own


async def test_a_body_that_nobody_reads_does_not_spoil_the_next_request(serve):
    async def ignore(request: Request) -> Response:
        return Response(200, {}, request.path.encode())

    client = await serve(ignore)
    client.send(b"PUT /one HTTP/1.1\r\nHost: h\r\nContent-Length: 600000\r\n\r\n" + b"x" * 600_000)
    await client.head()
    assert await client.exactly(4) == b"/one"
    client.send(b"GET /two HTTP/1.1\r\nHost: h\r\n\r\n")
    await client.head()
    assert await client.exactly(4) == b"/two"


async def test_an_answer_of_unknown_length_is_chunked(serve):
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one"
            yield b""
            yield b"three"

        return Response(200, {}, pieces())

    client = await serve(stream)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert "transfer-encoding: chunked" in await client.head()
    assert await client.exactly(23) == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"


async def test_a_head_answer_has_a_length_and_no_body(serve):
    async def handler(request: Request) -> Response:
        return Response(200, {"content-length": "10"} if request.method == "HEAD" else {}, b"")

    client = await serve(handler)
    client.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert "content-length: 10" in await client.head()
    assert "content-length: 0" in await client.head()


async def test_ten_thousand_headers_are_refused(serve):
    client = await serve()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"".join(b"x-%d: v\r\n" % i for i in range(10_000)) + b"\r\n")
    answer = (await client.rest()).decode()
    assert answer.startswith("HTTP/1.1 400")
    assert "RequestHeaderSectionTooLarge" in answer


async def test_one_header_without_end_is_refused(serve):
    client = await serve()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\nx: ")
    client.send(b"y" * 200_000)
    assert b"RequestHeaderSectionTooLarge" in await client.rest()


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHo st: h\r\n\r\n",
    ],
)
async def test_broken_requests_are_refused_or_cut(serve, garbage: bytes):
    client = await serve()
    client.send(garbage)
    answer = await client.rest()
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


async def test_a_head_that_never_ends_is_timed_out(serve):
    client = await serve(echo, Limits(head_timeout_s=0.0))
    client.send(b"GET / HTTP/1.1\r\nHost:")
    assert b"RequestTimeout" in await client.rest()


async def test_a_line_break_in_a_header_value_does_not_start_another_header(serve):
    async def handler(request: Request) -> Response:
        return Response(200, {"x-name": "a\r\nset-cookie: b"}, b"")

    client = await serve(handler)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert "\r\nset-cookie" not in await client.head()


async def test_a_slow_reader_holds_the_writer_back(serve):
    sent = 0

    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            nonlocal sent
            for _ in range(2000):
                sent += 65_536
                yield b"z" * 65_536

        return Response(200, {"content-length": str(2000 * 65_536)}, pieces())

    client = await serve(stream)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await client.head()
    for _ in range(200):
        await asyncio.sleep(0)  # turns of the loop, not time: enough for a writer without back-pressure to send all
    assert sent < 2000 * 65_536 / 4


async def test_a_slow_handler_holds_the_sender_back(serve):
    go_on = asyncio.Event()
    seen: list[Request] = []

    async def late(request: Request) -> Response:
        seen.append(request)
        await go_on.wait()
        return Response(200, {}, str(len(await request.stream.read(10**9))).encode())

    client = await serve(late)
    size = 30_000_000
    client.send(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % size + b"q" * size)
    for _ in range(500):
        await asyncio.sleep(0)
    assert seen[0].stream._waiting_bytes < HIGH_WATER_BYTES + 1_000_000  # type: ignore[attr-defined]
    go_on.set()
    await client.head()
    assert await client.exactly(8) == str(size).encode()


async def test_stopping_lets_a_request_in_flight_finish(serve):
    started, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Request) -> Response:
        started.set()
        await go_on.wait()
        return Response(200, {}, b"done")

    client = await serve(slow)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    await started.wait()
    stopping = asyncio.create_task(client.server.stop(10))
    await asyncio.sleep(0)
    go_on.set()
    assert "connection: close" in await client.head()
    assert await client.rest() == b"done"
    await stopping
