"""Hints between nodes on one database, by LISTEN and NOTIFY.

Two threads with a connection each: one listens, one sends what has gathered since it last sent, several topics in one
notification.  A node ignores its own.  A hint may be lost (that only costs time), but after a lost connection `wake(None)`
asks everybody to look again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import psycopg

from tule.store.connections import Address, Connection, connect

log = logging.getLogger("tule.store")

PAYLOAD_BYTES = 7_900  # NOTIFY takes at most 8,000
PAUSE_S = 0.5  # before connecting again
LOOK_UP_S = 2.0  # how often the listener sees whether it should end, when nothing comes


class Hints:
    """`wake(topics)` is called on the listening thread."""

    def __init__(self, address: Address, sender: str, wake: Callable[[Sequence[str] | None], None]) -> None:
        self._address = address
        self._sender = sender
        self._wake = wake
        self._channel = "tule_" + hashlib.sha256(address.schema.encode()).hexdigest()[:16]
        self._waiting: deque[str] = deque()
        self._something = threading.Event()
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._threads = [threading.Thread(target=run, name=name, daemon=True) for run, name in ((self._listen, "hears"), (self._speak, "says"))]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._something.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    def send(self, topics: Sequence[str]) -> None:
        self._waiting.extend(topics)
        self._something.set()

    def _speak(self) -> None:
        for connection in self._connections():
            try:
                self._speak_on(connection)
            except psycopg.Error as error:
                self._lost(error)

    def _speak_on(self, connection: Connection) -> None:
        while not self._stopping.is_set():
            self._something.wait()
            self._something.clear()
            for payload in self._payloads():
                connection.execute(b"SELECT pg_notify($1, $2)", (self._channel, payload))
        connection.execute(b"SELECT pg_notify($1, $2)", (self._channel, json.dumps([self._sender])))

    def _payloads(self) -> Iterator[str]:
        """All that wait, each topic once, in as few notifications as they fit into."""
        topics: dict[str, None] = {}
        while self._waiting:
            topics[self._waiting.popleft()] = None
        said = [self._sender]
        size = 0
        for topic in topics:
            size += len(json.dumps(topic)) + 2
            if size > PAYLOAD_BYTES - 64 and len(said) > 1:
                yield json.dumps(said)
                said, size = [self._sender], len(json.dumps(topic)) + 2
            said.append(topic)
        if len(said) > 1:
            yield json.dumps(said)

    def _listen(self) -> None:
        first = True
        for connection in self._connections():
            try:
                connection.execute(f"LISTEN {self._channel}".encode())
                if not first:
                    self._wake(None)
                first = False
                self._listening.set()
                self._listen_on(connection)
            except psycopg.Error as error:
                self._lost(error)

    def _listen_on(self, connection: Connection) -> None:
        while not self._stopping.is_set():
            for notification in connection.notifies(timeout=LOOK_UP_S):
                sender, *topics = json.loads(notification.payload)
                if self._stopping.is_set():
                    return
                if sender != self._sender and topics:
                    self._wake(topics)

    def _connections(self) -> Iterator[Connection]:
        """One after the other, for as long as hints are wanted."""
        while not self._stopping.is_set():
            try:
                with connect(self._address) as connection:
                    yield connection
            except psycopg.Error as error:
                self._lost(error)

    def _lost(self, error: psycopg.Error) -> None:
        if not self._stopping.is_set():
            log.warning("Hints to and from other nodes wait for the database: %s", error)
            self._stopping.wait(PAUSE_S)
