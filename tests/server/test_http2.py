"""HTTP/2: requests of a client that somebody else wrote, over TLS, and what no client should send."""

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
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import ConnectionTerminated, DataReceived, Event, InformationalResponseReceived, PingAckReceived, ResponseReceived, StreamReset
from h2.settings import SettingCodes
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, RstStreamFrame, WindowUpdateFrame

from tule.server import http2
from tule.server.http1 import ClientDisconnected, Limits, Server
from tule.server.http2 import MAX_STREAMS, WINDOW_BYTES
from tule.wire.http import Request, Response

Handler = Callable[[Request], Awaitable[Response]]
WAIT_S = 60


async def echo(request: Request) -> Response:
    body = await request.stream.read(50_000_000)
    return Response(200, {"x-method": request.method, "x-path": request.path, "x-query": request.query, "x-host": request.host}, body)


class Client:
    """Sends what it is told, also what it should not; gives no room for answers by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = H2Connection(H2Configuration(header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False))
        self._events: list[Event] = []
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def send(self, *frames: Frame) -> None:
        """Behind the back of what would keep the rules."""
        self.writer.write(b"".join(frame.serialize() for frame in frames))

    def request(self, stream: int, method: str = "GET", path: str = "/", *, last: bool = True, more: tuple[tuple[str, str], ...] = ()) -> None:
        self.h2.send_headers(stream, [(":method", method), (":scheme", "http"), (":path", path), (":authority", "h"), *more], end_stream=last)
        self.flush()

    def data(self, stream: int, data: bytes, *, last: bool = False) -> None:
        self.h2.send_data(stream, data, end_stream=last)
        self.flush()

    async def next(self, kind: type[Event]) -> Any:
        """The next event of a kind; others before it are passed over."""
        async with asyncio.timeout(WAIT_S):
            while True:
                while self._events:
                    event = self._events.pop(0)
                    if isinstance(event, kind):
                        return event
                data = await self.reader.read(65_536)
                assert data, f"the connection ended before {kind.__name__}"
                self._events = self.h2.receive_data(data)
                self.flush()

    async def fields(self) -> tuple[int, dict[str, str]]:
        found = await self.next(ResponseReceived)
        return found.stream_id, dict(found.headers)

    async def gone(self) -> int:
        """Why the server ended the connection."""
        code = (await self.next(ConnectionTerminated)).error_code
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
async def connect(server: Any) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    clients: list[Client] = []

    async def connect(handler: Handler = echo, limits: Limits | None = None) -> Client:
        clients.append(Client(*await asyncio.open_connection("127.0.0.1", await server(handler, limits))))
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


async def test_pieces_are_sent_as_they_come(connect: Any) -> None:
    go_on = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await go_on.wait()
        yield b"two"

    async def answer(request: Request) -> Response:
        return Response(200, {"connection": "close"}, pieces(), cookies=("a=1", "b=2"))

    client = await connect(answer)
    client.request(1)
    _, fields = await client.fields()
    assert fields[":status"] == "200"
    assert "connection" not in fields
    assert (await client.next(DataReceived)).data == b"one"
    go_on.set()
    assert (await client.next(DataReceived)).data == b"two"
    assert (await client.next(DataReceived)).stream_ended is not None


async def test_what_a_client_has_no_window_for_waits(connect: Any) -> None:
    client = await connect()
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 10})
    client.request(1, "PUT", last=False)
    client.data(1, bytes(25), last=True)
    found: list[DataReceived] = []
    for size in (10, 10, 0):
        found.append(await client.next(DataReceived))
        if size:
            client.h2.increment_flow_control_window(size, 1)
            client.flush()
    assert [len(one.data) for one in found] == [10, 10, 5]
    assert found[-1].stream_ended is not None


async def test_a_reader_that_is_slow_holds_its_client_back_and_no_other(connect: Any) -> None:
    async def answer(request: Request) -> Response:
        if request.path == "/slow":
            await asyncio.get_running_loop().create_future()
        return await echo(request)

    client = await connect(answer)
    client.request(1, "PUT", "/slow", last=False)
    client.request(3, "PUT", "/quick", last=False)
    client.h2.ping(b"settings")
    client.flush()
    await client.next(PingAckReceived)  # and with it the windows of this server are known
    for _ in range(WINDOW_BYTES // 16_384):
        client.data(1, bytes(16_384))
    assert client.h2.local_flow_control_window(1) == 0
    for _ in range(10):
        client.data(3, bytes(16_384))
    client.data(3, b"", last=True)
    assert (await client.fields())[1]["content-length"] == str(10 * 16_384)
    assert client.h2.local_flow_control_window(1) == 0
    client.send(DataFrame(1, b"more"))
    assert await client.gone() == ErrorCodes.FLOW_CONTROL_ERROR


async def test_trailers_cookies_and_100_continue(connect: Any) -> None:
    seen: list[Request] = []

    async def answer(request: Request) -> Response:
        seen.append(request)
        return await echo(request)

    client = await connect(answer)
    client.request(1, "PUT", "/c", last=False, more=(("expect", "100-continue"), ("cookie", "a"), ("cookie", "b"), ("x", "1"), ("x", "2")))
    assert dict((await client.next(InformationalResponseReceived)).headers) == {":status": "100"}
    client.h2.send_data(1, b"hello", pad_length=2)
    client.h2.send_headers(1, [("x-end", "1")], end_stream=True)
    client.flush()
    assert (await client.fields())[1]["content-length"] == "5"
    assert (await client.next(DataReceived)).data == b"hello"
    assert seen[0].headers["cookie"] == "a; b"
    assert seen[0].headers["x"] == "1,2"
    assert ("x-end", "1") in seen[0].raw_headers


async def test_the_authority_stands_among_the_headers_where_it_is_signed(connect: Any) -> None:
    async def answer(request: Request) -> Response:
        return Response(200, {"x": str(sorted(request.headers))})

    client = await connect(answer)
    client.request(1, more=(("authorization", "AWS4-HMAC-SHA256 SignedHeaders=:authority;x"),))
    assert (await client.fields())[1]["x"] == "[':authority', 'authorization', 'host']"
    client.request(3)
    assert (await client.fields())[1]["x"] == "['host']"


async def test_a_reset_tells_the_reader_and_the_writer(connect: Any) -> None:
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

    client = await connect(answer)
    client.request(1, "PUT", last=False)
    client.h2.reset_stream(1, ErrorCodes.CANCEL)
    client.flush()
    assert await asyncio.wait_for(ends.get(), WAIT_S) == "reader True"
    client.request(3)
    await client.next(DataReceived)
    client.h2.reset_stream(3, ErrorCodes.CANCEL)
    client.flush()
    assert await asyncio.wait_for(ends.get(), WAIT_S) == "writer"
    client.h2.ping(b"12345678")
    client.flush()
    assert (await client.next(PingAckReceived)).ping_data == b"12345678"


async def test_requests_that_were_reset_count_until_they_have_ended(connect: Any) -> None:
    begun = 0
    end = asyncio.Event()

    async def answer(request: Request) -> Response:
        nonlocal begun
        begun += 1
        await end.wait()
        return Response()

    client = await connect(answer)
    for stream in range(1, 2 * MAX_STREAMS, 2):
        client.request(stream)
        client.h2.reset_stream(stream, ErrorCodes.CANCEL)
    client.request(2 * MAX_STREAMS + 1)
    found = await client.next(StreamReset)
    assert (found.stream_id, found.error_code) == (2 * MAX_STREAMS + 1, ErrorCodes.REFUSED_STREAM)
    assert begun == MAX_STREAMS
    end.set()


@pytest.mark.parametrize(
    "more",
    [(("Upper", "x"),), (("connection", "close"),), (("te", "gzip"),), ((":path", "/again"),), ((":unknown", "x"),)],
    ids=str,
)
async def test_a_malformed_request_ends_the_connection(connect: Any, more: tuple[tuple[str, str], ...]) -> None:
    client = await connect()
    client.request(1, more=more)
    assert await client.gone() == ErrorCodes.PROTOCOL_ERROR


async def test_a_body_that_is_not_as_long_as_announced_ends_the_connection(connect: Any) -> None:
    client = await connect()
    client.request(1, "PUT", last=False, more=(("content-length", "5"),))
    client.send(DataFrame(1, b"1234", flags=["END_STREAM"]))
    assert await client.gone() == ErrorCodes.PROTOCOL_ERROR


async def test_too_many_headers_are_400(connect: Any) -> None:
    client = await connect(limits=Limits(head_bytes=2000))
    client.request(1, more=tuple((f"header-{i:03d}", "0123456789" * 6) for i in range(30)))
    assert (await client.fields())[1][":status"] == "400"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([DataFrame(1, b"x")], ErrorCodes.PROTOCOL_ERROR),
        ([HeadersFrame(1, b"\x80", flags=["END_HEADERS"])], ErrorCodes.PROTOCOL_ERROR),
        ([HeadersFrame(1, b""), PingFrame(0, bytes(8))], ErrorCodes.PROTOCOL_ERROR),
        ([ContinuationFrame(1, b"", flags=["END_HEADERS"])], ErrorCodes.PROTOCOL_ERROR),
        ([RstStreamFrame(1)], ErrorCodes.PROTOCOL_ERROR),
        ([WindowUpdateFrame(0, (1 << 31) - 1)], ErrorCodes.FLOW_CONTROL_ERROR),
    ],
)
async def test_frames_that_end_the_connection(connect: Any, frames: list[Frame], code: ErrorCodes) -> None:
    client = await connect()
    client.send(*frames)
    assert await client.gone() == code


async def test_another_preface_ends_the_connection(server: Any) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", await server())
    writer.write(b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")
    async with asyncio.timeout(WAIT_S):
        assert b"HTTP/1.1" not in await reader.read()
    writer.close()


async def test_a_block_without_end_ends_the_connection(connect: Any) -> None:
    client = await connect()
    client.send(HeadersFrame(1, b""), *[ContinuationFrame(1, bytes(16_000))] * 100)
    with pytest.raises((ConnectionError, AssertionError)):
        await client.fields()
