"""HTTP/2: requests of a client that somebody else wrote, over TLS, and frames that no client should send."""

from __future__ import annotations

import asyncio
import datetime
import io
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from awscrt import http as crt
from awscrt import io as crt_io
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tule.server import hpack, http2
from tule.server import http2_frames as frames
from tule.server.http1 import ClientDisconnected, Limits, Server
from tule.server.http2 import MAX_STREAMS
from tule.server.http2_frames import END_HEADERS, END_STREAM, PREFACE, Code, Frame, Kind, frame
from tule.server.http2_streams import WINDOW_BYTES
from tule.wire.http import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
WAIT_S = 60


async def echo(request: Request) -> Response:
    body = await request.stream.read(50_000_000)
    return Response(200, {"x-method": request.method, "x-path": request.path, "x-query": request.query, "x-host": request.host}, body)


class Raw:
    """A client that sends frames as it is told."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self._fields = hpack.Decoder()
        self.send(PREFACE + frames.settings({}))

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def request(self, stream: int, method: str = "GET", path: str = "/", *, last: bool = True, more: tuple[hpack.Field, ...] = ()) -> None:
        fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "h"), *more]
        self.send(frame(Kind.HEADERS, END_HEADERS | (END_STREAM if last else 0), stream, hpack.encode(fields)))

    async def next(self, kind: Kind) -> Frame:
        """The next frame of a kind; others before it are passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                head = await self.reader.readexactly(9)
                payload = await self.reader.readexactly(int.from_bytes(head[:3]))
                if head[3] == kind and not (kind == Kind.SETTINGS and head[4] & frames.ACK):
                    return Frame(head[3], head[4], int.from_bytes(head[5:]), payload)

    async def fields(self) -> tuple[int, dict[str, str]]:
        found = await self.next(Kind.HEADERS)
        return found.stream, dict(self._fields.decode(found.payload, 65_536) or [])

    async def gone(self) -> int:
        """Why the server ended the connection."""
        code = int.from_bytes((await self.next(Kind.GOAWAY)).payload[4:8])
        async with asyncio.timeout(WAIT_S):
            assert await self.reader.read() is not None
        return code


@pytest.fixture
async def server() -> AsyncIterator[Callable[..., Awaitable[int]]]:
    servers: list[Server] = []

    async def start(handler: Handler = echo, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> int:
        servers.append(Server(limits, http2.Connection))
        listener: Any = await servers[-1].listen(handler, host="127.0.0.1", tls=tls)
        return listener.sockets[0].getsockname()[1]

    yield start
    for server in servers:
        await server.stop(1)


@pytest.fixture
async def raw(server: Any) -> AsyncIterator[Callable[..., Awaitable[Raw]]]:
    clients: list[Raw] = []

    async def connect(handler: Handler = echo, limits: Limits | None = None) -> Raw:
        clients.append(Raw(*await asyncio.open_connection("127.0.0.1", await server(handler, limits))))
        return clients[-1]

    yield connect
    for client in clients:
        client.writer.close()


def _context(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "all.pem").write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "all.pem")
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def _exchange(connection: Any, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    found: dict[str, Any] = {}
    pieces: list[bytes] = []

    def answered(http_stream: Any, status_code: int, headers: list[tuple[str, str]], **_: Any) -> None:
        found.update(status=status_code, headers=dict(headers))

    headers = crt.HttpHeaders([("host", "localhost"), ("content-length", str(len(body)))])
    request = crt.HttpRequest(method, path, headers, crt_io.InputStream(io.BytesIO(body)) if body else None)
    stream = connection.request(request, answered, lambda http_stream, chunk, **_: pieces.append(bytes(chunk)))
    stream.activate()
    await asyncio.wait_for(asyncio.wrap_future(stream.completion_future), WAIT_S)
    return found["status"], found["headers"], b"".join(pieces)


async def _connect(port: int) -> Any:
    options = crt_io.TlsContextOptions()
    options.verify_peer = False
    options.alpn_list = ["h2"]
    tls = crt_io.ClientTlsContext(options).new_connection_options()
    tls.set_server_name("localhost")
    return await asyncio.wait_for(asyncio.wrap_future(crt.Http2ClientConnection.new("127.0.0.1", port, tls_connection_options=tls)), WAIT_S)


async def test_requests_of_an_sdk_at_once(server: Any, tmp_path: Path) -> None:
    connection = await _connect(await server(tls=_context(tmp_path)))
    bodies = [bytes([i]) * size for i, size in enumerate((0, 1, 16_384, 16_385, 70_000, 1_000_000, 3_000_000))]
    answers = await asyncio.gather(*(_exchange(connection, "PUT", f"/p%20{i}?q={i}", body) for i, body in enumerate(bodies)))
    for i, (status, headers, body) in enumerate(answers):
        assert (status, headers["x-path"], headers["x-query"], headers["x-host"]) == (200, f"/p%20{i}", f"q={i}", "localhost")
        assert body == bodies[i]
    assert (await _exchange(connection, "HEAD", "/"))[1]["content-length"] == "0"
    connection.close()


async def test_pieces_are_sent_as_they_come(raw: Any) -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await go_on.wait()
        yield b"two"

    async def answer(request: Request) -> Response:
        return Response(200, {"connection": "close"}, pieces(), cookies=("a=1", "b=2"))

    client = await raw(answer)
    client.request(1)
    _, fields = await client.fields()
    assert fields[":status"] == "200"
    assert "connection" not in fields
    assert (await client.next(Kind.DATA)).payload == b"one"
    go_on.set()
    assert (await client.next(Kind.DATA)).payload == b"two"
    assert (await client.next(Kind.DATA)).flags == END_STREAM


async def test_what_a_client_has_no_window_for_waits(raw: Any) -> None:
    client = await raw()
    client.send(frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 10}))
    client.request(1, "PUT", last=False)
    client.send(frame(Kind.DATA, END_STREAM, 1, bytes(25)))
    found: list[Frame] = []
    for _ in range(3):
        found.append(await client.next(Kind.DATA))
        client.send(frames.window_update(1, 10))
    assert [len(one.payload) for one in found] == [10, 10, 5]
    assert found[-1].flags == END_STREAM


async def test_a_reader_that_is_slow_holds_its_client_back_and_no_other(raw: Any) -> None:
    async def answer(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.get_running_loop().create_future()
        return await echo(request)

    client = await raw(answer)
    client.request(1, "PUT", "/slow", last=False)
    for _ in range(WINDOW_BYTES // 16_384):
        client.send(frame(Kind.DATA, 0, 1, bytes(16_384)))
    client.request(3, "PUT", "/quick", last=False)
    for _ in range(10):
        client.send(frame(Kind.DATA, 0, 3, bytes(16_384)))
        await client.writer.drain()
    client.send(frame(Kind.DATA, END_STREAM, 3))
    assert (await client.fields())[1]["content-length"] == str(10 * 16_384)
    client.send(frame(Kind.DATA, 0, 1, b"more"))
    found = await client.next(Kind.RST_STREAM)
    assert (found.stream, found.number()) == (1, Code.FLOW_CONTROL_ERROR)


async def test_a_continued_block_padding_trailers_and_100_continue(raw: Any) -> None:
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        return await echo(request)

    client = await raw(answer)
    fields = [
        (":method", "PUT"),
        (":scheme", "http"),
        (":path", "/c"),
        (":authority", "h"),
        ("expect", "100-continue"),
        ("cookie", "a"),
        ("cookie", "b"),
    ]
    block = hpack.encode(fields)
    client.send(frame(Kind.HEADERS, frames.PADDED | frames.WITH_PRIORITY, 1, b"\x03" + bytes(5) + block[:20] + bytes(3)))
    client.send(frame(Kind.CONTINUATION, 0, 1, block[20:40]) + frame(Kind.CONTINUATION, END_HEADERS, 1, block[40:]))
    assert (await client.fields())[1] == {":status": "100"}
    client.send(frame(Kind.DATA, frames.PADDED, 1, b"\x02hello\x00\x00"))
    client.send(frame(Kind.HEADERS, END_HEADERS | END_STREAM, 1, hpack.encode([("x-end", "1")])))
    assert (await client.fields())[1]["content-length"] == "5"
    assert (await client.next(Kind.DATA)).payload == b"hello"
    assert seen[0].headers["cookie"] == "a; b"
    assert ("x-end", "1") in seen[0].raw_headers


async def test_the_authority_stands_among_the_headers_where_it_is_signed(raw: Any) -> None:
    async def answer(request: Request) -> Response:
        return Response(200, {"x": str(sorted(request.headers))})

    client = await raw(answer)
    client.request(1, more=(("authorization", "AWS4-HMAC-SHA256 SignedHeaders=:authority;x"),))
    assert (await client.fields())[1]["x"] == "[':authority', 'authorization', 'host']"
    client.request(3)
    assert (await client.fields())[1]["x"] == "['host']"


async def test_a_reset_tells_the_reader_and_the_writer(raw: Any) -> None:
    ends: asyncio.Queue[str] = asyncio.Queue()

    async def forever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield bytes(100_000)
        finally:
            ends.put_nowait("writer")

    async def answer(request: Request) -> Response:
        if request.method == "GET":
            return Response(200, {}, forever())
        try:
            await request.stream.read(10)
        except ClientDisconnected:
            ends.put_nowait(f"reader {request.is_abandoned()}")
            raise
        raise AssertionError

    client = await raw(answer)
    client.request(1, "PUT", last=False)
    client.send(frames.reset(1, Code.CANCEL))
    assert await asyncio.wait_for(ends.get(), WAIT_S) == "reader True"
    client.request(3)
    await client.next(Kind.DATA)
    client.send(frames.reset(3, Code.CANCEL))
    assert await asyncio.wait_for(ends.get(), WAIT_S) == "writer"
    client.send(frame(Kind.PING, 0, 0, b"12345678"))
    assert (await client.next(Kind.PING)).payload == b"12345678"


async def test_requests_that_were_reset_count_until_they_have_ended(raw: Any) -> None:
    begun = 0
    end = asyncio.Event()

    async def answer(request: Request) -> Response:
        nonlocal begun
        begun += 1
        await end.wait()
        return Response()

    client = await raw(answer)
    for stream in range(1, 2 * MAX_STREAMS + 3, 2):
        client.request(stream)
        client.send(frames.reset(stream, Code.CANCEL))
    found = await client.next(Kind.RST_STREAM)
    assert (found.stream, found.number()) == (2 * MAX_STREAMS + 1, Code.REFUSED_STREAM)
    assert begun == MAX_STREAMS
    end.set()


@pytest.mark.parametrize(
    "more",
    [
        (("Upper", "x"),),
        (("connection", "close"),),
        (("te", "gzip"),),
        (("x", "a\nb"),),
        ((":path", "/again"),),
        ((":unknown", "x"),),
    ],
    ids=str,
)
async def test_a_malformed_request_is_reset_and_the_next_is_answered(raw: Any, more: tuple[hpack.Field, ...]) -> None:
    client = await raw()
    client.request(1, more=more)
    assert (await client.next(Kind.RST_STREAM)).number() == Code.PROTOCOL_ERROR
    client.request(3)
    assert (await client.fields())[0] == 3


async def test_a_body_that_is_not_as_long_as_announced_is_reset(raw: Any) -> None:
    client = await raw()
    client.request(1, "PUT", last=False, more=(("content-length", "5"),))
    client.send(frame(Kind.DATA, END_STREAM, 1, b"1234"))
    assert (await client.next(Kind.RST_STREAM)).number() == Code.PROTOCOL_ERROR


async def test_too_many_headers_are_400(raw: Any) -> None:
    client = await raw(limits=Limits(head_bytes=2000))
    client.request(1, more=tuple((f"x{i}", "") for i in range(60)))
    assert (await client.fields())[1][":status"] == "400"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(Kind.DATA, 0, 1, b"x"), Code.PROTOCOL_ERROR),
        (frame(Kind.HEADERS, END_HEADERS, 2, b""), Code.PROTOCOL_ERROR),
        (frame(Kind.HEADERS, END_HEADERS, 1, b"\x80"), Code.COMPRESSION_ERROR),
        (frame(Kind.HEADERS, 0, 1, b"") + frame(Kind.PING, 0, 0, bytes(8)), Code.PROTOCOL_ERROR),
        (frame(Kind.HEADERS, 0, 1, b"") + frame(Kind.CONTINUATION, 0, 1, bytes(16_000)) * 5, Code.ENHANCE_YOUR_CALM),
        (frame(Kind.CONTINUATION, END_HEADERS, 1, b""), Code.PROTOCOL_ERROR),
        (frame(Kind.RST_STREAM, 0, 1, bytes(4)), Code.PROTOCOL_ERROR),
        (frame(Kind.WINDOW_UPDATE, 0, 0, bytes(4)), Code.PROTOCOL_ERROR),
        (frames.window_update(0, (1 << 31) - 1), Code.FLOW_CONTROL_ERROR),
        (frame(Kind.SETTINGS, 0, 0, bytes(5)), Code.FRAME_SIZE_ERROR),
        (frames.settings({frames.Setting.INITIAL_WINDOW_SIZE: 1 << 31}), Code.FLOW_CONTROL_ERROR),
        (frame(Kind.PING, 0, 0, bytes(7)), Code.FRAME_SIZE_ERROR),
        (frame(Kind.PUSH_PROMISE, 0, 1, bytes(4)), Code.PROTOCOL_ERROR),
        (frame(Kind.PING, 0, 0, bytes(16_385)), Code.FRAME_SIZE_ERROR),
    ],
)
async def test_frames_that_end_the_connection(raw: Any, data: bytes, code: Code) -> None:
    client = await raw()
    client.send(data)
    assert await client.gone() == code


async def test_another_preface_ends_the_connection(server: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", await server())
    writer.write(b"PRI * HTTP/2.0\r\n\r\nXX")
    async with asyncio.timeout(WAIT_S):
        assert b"\x00\x00\x08\x07" in await reader.read()
    writer.close()
