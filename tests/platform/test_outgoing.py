"""What the node sends to the outside, and where it does not go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from tule.core.config import Config
from tule.platform.outgoing import Outgoing, OutgoingFailed


@asynccontextmanager
async def endpoint(answer: bytes) -> AsyncGenerator[tuple[int, list[bytes]]]:
    """A server on loopback that answers every request so; its port, and the requests it got."""
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], got


@asynccontextmanager
async def outgoing(*, strict: bool = False) -> AsyncGenerator[Outgoing]:
    made = Outgoing(Config(strict=strict))
    yield made
    await made.close()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Found: here\r\n\r\nhi"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "id.lambda-url.us-east-1.localhost"])
async def test_an_endpoint_on_loopback_is_reached_on_a_laptop(host: str) -> None:
    async with endpoint(OK) as (port, got), outgoing() as out:
        answer = await out.request("POST", f"http://{host}:{port}/hook", {"X-Sent": "this"})
    assert (answer.status, answer.headers["x-found"], answer.body) == (200, "here", b"hi")
    assert got[0].startswith(b"POST /hook HTTP/1.1\r\n") and b"X-Sent: this\r\n" in got[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]", "10.0.0.1"])
async def test_the_hosts_own_networks_are_closed_in_strict_mode(host: str) -> None:
    async with endpoint(OK) as (port, got), outgoing(strict=True) as out:
        with pytest.raises(OutgoingFailed):
            await out.request("GET", f"http://{host}:{port}/")
    assert got == []


@pytest.mark.parametrize("address", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0", "224.0.0.1"])
async def test_metadata_and_other_special_addresses_are_never_reached(address: str) -> None:
    async with outgoing() as out:
        with pytest.raises(OutgoingFailed, match="may not be reached"):
            await out.request("GET", f"http://{address}/latest/meta-data")


async def test_a_redirect_is_an_answer() -> None:
    async with endpoint(b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n") as (port, _), outgoing() as out:
        assert (await out.request("GET", f"http://127.0.0.1:{port}/")).status == 302


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"])
async def test_what_is_no_answer_is_a_failure(answer: bytes) -> None:
    async with endpoint(answer) as (port, _), outgoing() as out:
        with pytest.raises(OutgoingFailed):
            await out.request("GET", f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://", "nothing"])
async def test_what_is_no_url_of_http_is_a_failure(url: str) -> None:
    async with outgoing() as out:
        with pytest.raises(OutgoingFailed):
            await out.request("GET", url)
