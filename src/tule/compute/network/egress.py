"""The way out of a function: connections that were redirected to the relay, carried to where the policy lets them go.

The relay resolves names itself and connects only to addresses that it has judged, so a name cannot lead one way when it is
judged and another when it is used.  Both directions wait for each other's receiver, so that a transfer of any size takes
constant memory; half-closed connections stay half open.  What is refused is reset.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence

from tule.compute.network.policy import HOST_NAME, Address, EgressPolicy

log = logging.getLogger("tule.egress")

PIECE_BYTES = 64 * 1024
CONNECT_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 512  # of one instance, which takes two descriptors of the node for each; further ones wait to be accepted
MAX_NOTED = 100  # refused destinations that the node's log tells of, for one instance
RETRY_ACCEPT_S = 0.1
_SO_ORIGINAL_DST = 80
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]


def original_destination(connection: socket.socket) -> tuple[str, int]:
    """Where a redirected connection was going.  Linux: SO_ORIGINAL_DST."""
    raw = connection.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
    return socket.inet_ntoa(raw[4:8]), struct.unpack_from("!H", raw, 2)[0]


class Refused(Exception):
    """The policy does not open this destination."""


class Relay:
    """Carries the redirected connections of one instance."""

    def __init__(self, policy: EgressPolicy, name_of: Callable[[str], str], resolve: Resolve, function: str = "") -> None:
        """`name_of` is the host name behind a synthetic address; `resolve` raises OSError."""
        self._policy = policy
        self._name_of = name_of
        self._resolve = resolve
        self._function = function
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._noted: set[str] = set()
        self._listener: socket.socket | None = None
        self._retry: asyncio.TimerHandle | None = None

    def serve(self, listener: socket.socket) -> None:
        self._listener = listener
        self._loop.add_reader(listener, self._accept, listener)

    def close(self) -> None:
        """Connections are cut; the listener is the caller's."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener = None
        if self._retry is not None:
            self._retry.cancel()
        for task in self._tasks:
            task.cancel()

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError as error:  # no descriptor is left, of the process or of the system
            log.warning("connections of functions wait: %s", error)
            self._loop.remove_reader(listener)
            self._retry = self._loop.call_later(RETRY_ACCEPT_S, self._accept_again)
            return
        connection.setblocking(False)
        task = self._loop.create_task(self._carry(connection))
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        if len(self._tasks) >= MAX_CONNECTIONS:
            self._loop.remove_reader(listener)

    def _accept_again(self) -> None:
        if self._listener is not None:
            self._loop.add_reader(self._listener, self._accept, self._listener)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if len(self._tasks) == MAX_CONNECTIONS - 1:
            self._accept_again()

    async def _carry(self, inner: socket.socket) -> None:
        outer: socket.socket | None = None
        try:
            outer = await self._connect(*original_destination(inner))
            await _exchange(inner, outer)
        except Refused as refused:
            self._note(str(refused))
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        except OSError as error:
            log.debug("a connection of a function ended: %s", error)
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
        finally:
            inner.close()
            if outer is not None:
                outer.close()

    async def _connect(self, address: str, port: int) -> socket.socket:
        """The first of the destination's addresses that is open and answers.  Raises Refused, OSError."""
        host = self._name_of(address)
        found = [ipaddress.ip_address(address)] if not host else await self._places(host, port)
        opened = [place for place in found if self._is_open(host, place, port)]
        if not opened:
            raise Refused(f"{host or address}:{port} is not open to functions (TULE_EGRESS)")
        failed = OSError(f"no address of {host or address}")
        for place in opened:
            try:
                return await _connected(str(place), port)
            except OSError as error:
                failed = error
        raise failed

    async def _places(self, host: str, port: int) -> Sequence[Address]:
        return [ipaddress.ip_address("127.0.0.1")] if host == HOST_NAME else await self._resolve(host, port)

    def _is_open(self, host: str, place: Address, port: int) -> bool:
        """The host's own addresses are closed even where they are public ones, unless an entry names them."""
        if not self._policy.allows(host, place, port):
            return False
        return self._policy.named(place, port) or not is_of_this_host(place)

    def _note(self, text: str) -> None:
        if text not in self._noted and len(self._noted) < MAX_NOTED:
            self._noted.add(text)
            log.warning("%s: %s", self._function, text)


def is_of_this_host(address: Address) -> bool:
    """Whether an interface of this host has the address: only then can a socket be bound to it."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


async def _connected(address: str, port: int) -> socket.socket:
    """Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    outer = socket.socket(family, socket.SOCK_STREAM)
    try:
        outer.setblocking(False)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(outer, (address, port))
    except BaseException:
        outer.close()
        raise
    return outer


async def _exchange(inner: socket.socket, outer: socket.socket) -> None:
    """Until both sides have said all.  Raises OSError."""
    for side in (inner, outer):
        side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    there, back = (asyncio.create_task(_pump(source, sink)) for source, sink in ((inner, outer), (outer, inner)))
    try:
        await asyncio.gather(there, back)
    finally:
        for pump in (there, back):
            pump.cancel()
        await asyncio.wait((there, back))


async def _pump(source: socket.socket, sink: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    buffer = bytearray(PIECE_BYTES)
    view = memoryview(buffer)
    while count := await loop.sock_recv_into(source, view):
        await loop.sock_sendall(sink, view[:count])
    sink.shutdown(socket.SHUT_WR)
