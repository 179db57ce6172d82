"""Packets with descriptors between the node's loop and the processes it started (see inside/packets.py)."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from tule.compute.inside import packets

Packet = tuple[dict[str, Any], list[int]]


class ChannelClosed(Exception):
    """The process on the other side is gone."""


class Channel:
    """One end of a packet socket.  Sending never blocks; what does not fit is sent when there is room."""

    def __init__(self, sock: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._loop = loop
        self._waiting: deque[asyncio.Future[Packet]] = deque()
        self._arrived: deque[Packet] = deque()
        self._unsent: deque[tuple[Mapping[str, Any], list[int]]] = deque()
        self._closed = False
        loop.add_reader(sock.fileno(), self._readable)

    @classmethod
    def pair(cls, loop: asyncio.AbstractEventLoop) -> tuple[Channel, socket.socket]:
        """Our end, and the end for a process."""
        kind = getattr(socket, "SOCK_SEQPACKET", socket.SOCK_DGRAM)
        ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
        return cls(ours, loop), theirs

    def send(self, message: Mapping[str, Any], fds: Sequence[int] = ()) -> None:
        """Descriptors are duplicated into the message; the caller still closes its own."""
        if self._closed:
            raise ChannelClosed
        if not self._unsent:
            try:
                packets.send(self._sock, message, fds)
                return
            except BlockingIOError:
                self._loop.add_writer(self._sock.fileno(), self._writable)
            except OSError as error:
                self.close()
                raise ChannelClosed from error
        self._unsent.append((message, [os.dup(fd) for fd in fds]))

    @property
    def closed(self) -> bool:
        return self._closed

    async def receive(self) -> Packet:
        """The next packet; its descriptors belong to the caller.  Raises ChannelClosed."""
        if self._arrived:
            return self._arrived.popleft()
        if self._closed:
            raise ChannelClosed
        waiter: asyncio.Future[Packet] = self._loop.create_future()
        self._waiting.append(waiter)
        return await waiter

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._sock.fileno())
        self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for _, fds in [*self._unsent, *self._arrived]:
            for fd in fds:
                os.close(fd)
        self._unsent.clear()
        self._arrived.clear()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ChannelClosed())

    def _readable(self) -> None:
        try:
            message, fds = packets.receive(self._sock)
        except BlockingIOError:
            return
        except OSError:
            message, fds = None, list[int]()
        if message is None:
            self.close()
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result((message, fds))
                return
        self._arrived.append((message, fds))

    def _writable(self) -> None:
        while self._unsent:
            message, fds = self._unsent[0]
            try:
                packets.send(self._sock, message, fds)
            except BlockingIOError:
                return
            except OSError:
                self.close()
                return
            self._unsent.popleft()
            for fd in fds:
                os.close(fd)
        self._loop.remove_writer(self._sock.fileno())
