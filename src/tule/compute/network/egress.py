"""The way out of a function, as far as the policy opens it.

A policy is a comma-separated list: `open` (the public internet), host names (`api.example.com`, `*.example.com`), addresses or
networks (`10.1.0.0/16`), each with an optional `:port`; or `none`.  Loopback, link-local (cloud metadata) and private networks
of the host stay closed unless an entry names the address or network itself.  `host.tule.internal` is the host's own loopback,
for entries such as `127.0.0.1:5432`.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger("tule.egress")

HOST_NAME = "host.tule.internal"
PIECE_BYTES = 64 * 1024
CONNECT_TIMEOUT_S = 10.0
_SO_ORIGINAL_DST = 80

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True, frozen=True)
class _Entry:
    name: str = ""  # a host name, or `*.suffix`
    network: Network | None = None
    port: int = 0  # 0: any

    def names(self, host: str) -> bool:
        if self.name.startswith("*."):
            return host.endswith(self.name[1:])
        return bool(self.name) and host == self.name


class EgressPolicy:
    def __init__(self, text: str) -> None:
        """Raises ValueError for an entry that is neither a name nor an address."""
        words = [word.strip().lower() for word in text.split(",") if word.strip()]
        self._open = "open" in words
        self._entries = [_entry(word) for word in words if word not in ("open", "none")]

    def resolves(self, host: str) -> bool:
        """Whether a name may be looked up at all."""
        if host == HOST_NAME:
            return any(entry.network is not None and entry.network.is_loopback for entry in self._entries)
        return self._open or any(entry.names(host) for entry in self._entries)

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether a connection to `address` (which `host` was resolved to, or empty) and `port` may be made."""
        for entry in self._entries:
            if entry.port in (0, port) and entry.network is not None and address in entry.network:
                return True
        if not address.is_global or address.is_multicast:
            return False
        return self._open or any(entry.port in (0, port) and entry.names(host) for entry in self._entries)


def _entry(word: str) -> _Entry:
    place, colon, port_text = word.rpartition(":")
    if not colon or not port_text.isdigit():
        place, port_text = word, "0"
    try:
        return _Entry(network=ipaddress.ip_network(place.strip("[]"), strict=False), port=int(port_text))
    except ValueError:
        if not all(char.isalnum() or char in "-.*_" for char in place):
            raise
        return _Entry(name=place, port=int(port_text))


def original_destination(connection: socket.socket) -> tuple[str, int]:
    """Where a redirected connection was going.  Linux: SO_ORIGINAL_DST."""
    raw = connection.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
    return socket.inet_ntoa(raw[4:8]), struct.unpack_from("!H", raw, 2)[0]


class Relay:
    """Carries the redirected connections of one instance to where they may go; the others are closed."""

    def __init__(self, policy: EgressPolicy, name_of: Callable[[str], str]) -> None:
        self._policy = policy
        self._name_of = name_of  # the host name behind a synthetic address
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, listener: socket.socket) -> None:
        """The listener is readable."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        task = asyncio.get_running_loop().create_task(self._carry(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def _carry(self, connection: socket.socket) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(sock=connection)
        try:
            outer_reader, outer_writer = await self._connect(*original_destination(connection))
        except (OSError, TimeoutError) as error:
            log.debug("a function's connection was refused: %s", error)
            inner_writer.transport.abort()
            return
        try:
            await asyncio.gather(_pump(inner_reader, outer_writer), _pump(outer_reader, inner_writer))
        except (ConnectionError, TimeoutError):
            return
        finally:
            inner_writer.close()
            outer_writer.close()

    async def _connect(self, address: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host = self._name_of(address)
        loop = asyncio.get_running_loop()
        target = {HOST_NAME: "127.0.0.1"}.get(host, host or address)
        found = await loop.getaddrinfo(target, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            resolved = str(place[0])
            if self._policy.allows(host, ipaddress.ip_address(resolved), port):
                return await asyncio.wait_for(asyncio.open_connection(resolved, port), CONNECT_TIMEOUT_S)
        raise PermissionError(f"{host or address}:{port} is not open to functions (TULE_EGRESS)")


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()
