"""HTTP and HTTPS to the outside on behalf of users: SNS endpoints, API destinations, Firehose's HTTP endpoints.

Addresses are looked at after the name is resolved, where the connection is made: link-local ones (cloud metadata) are
never reached, loopback and private ones not in strict mode, where the node serves others than its owner.  Redirects are
answers like any other; they are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from aiohttp.abc import AbstractResolver, ResolveResult

    from tule.core.config import Config

MAX_ANSWER_BYTES = 6 * 1024 * 1024
TIMEOUT_S = 15.0
CONNECTIONS = 256
OWN_SUFFIXES = (".localhost", ".localhost.localstack.cloud", ".tule.local")  # names of the platform, wherever they are resolved


class OutgoingFailed(Exception):
    """No answer: refused, unreachable, too slow, too long, not HTTP.  The text says which."""


@dataclass(slots=True, frozen=True)
class Answer:
    """`headers` have lower-case names; of repeated ones the last counts."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Outgoing:
    """One pool of connections for the node, made when first used."""

    def __init__(self, config: Config) -> None:
        self._strict = config.strict
        self._session: ClientSession | None = None

    async def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"", *, timeout_s: float = TIMEOUT_S
    ) -> Answer:
        """Raises OutgoingFailed when there is no answer within `timeout_s`, counted in real time."""
        import aiohttp

        self._refuse_address(url)
        session = self._session = self._session or self._open()
        try:
            async with session.request(
                method, url, headers=headers, data=body or None, allow_redirects=False, timeout=aiohttp.ClientTimeout(total=timeout_s)
            ) as response:
                return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, await _body(response.content))
        except TimeoutError as error:
            raise OutgoingFailed(f"{url} did not answer within {timeout_s:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise OutgoingFailed(f"{url}: {error}") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> ClientSession:
        """aiohttp is loaded here: most nodes never send anything outside, and all should start quickly."""
        import aiohttp

        connector = aiohttp.TCPConnector(limit=CONNECTIONS, resolver=self._resolver(), ttl_dns_cache=10)
        jar, agent = aiohttp.DummyCookieJar(), {"User-Agent": "Amazon/Tule"}
        return aiohttp.ClientSession(connector=connector, cookie_jar=jar, headers=agent, skip_auto_headers=("Accept",))

    def _resolver(self) -> AbstractResolver:
        from aiohttp.abc import AbstractResolver

        reachable = self.is_reachable

        class Guarded(AbstractResolver):
            """Resolves as the system does, and refuses what may not be reached."""

            async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
                if host.endswith(OWN_SUFFIXES):
                    host = "127.0.0.1"
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
                allowed = [entry for entry in found if reachable(str(entry[4][0]))]
                if not allowed:
                    raise OSError(f"{host} may not be reached from here")
                return [_resolved(host, entry) for entry in allowed]

            async def close(self) -> None:
                pass

        return Guarded()

    def _refuse_address(self, url: str) -> None:
        """An address that stands in the URL itself is never resolved."""
        try:
            reachable = self.is_reachable(urlsplit(url).hostname or "")
        except ValueError:
            return  # a name, which is looked at when it is resolved
        if not reachable:
            raise OutgoingFailed(f"{url} may not be reached from here")

    def is_reachable(self, address: str) -> bool:
        """Raises ValueError for what is no address."""
        found = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        if found.is_link_local or found.is_multicast or found.is_unspecified or str(found) in _METADATA:
            return False
        return found.is_global or not self._strict


_METADATA = ("fd00:ec2::254", "fd00:ec2::23", "100.100.100.200")


def _resolved(host: str, entry: tuple[Any, ...]) -> ResolveResult:
    family, _, proto, _, address = entry
    return {"hostname": host, "host": address[0], "port": address[1], "family": family, "proto": proto, "flags": socket.AI_NUMERICHOST}


async def _body(content: Any) -> bytes:
    pieces: list[bytes] = []
    length = 0
    async for piece in content.iter_any():
        length += len(piece)
        if length > MAX_ANSWER_BYTES:
            raise OutgoingFailed(f"the answer is longer than {MAX_ANSWER_BYTES} bytes")
        pieces.append(piece)
    return b"".join(pieces)
