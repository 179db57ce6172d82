"""The resolver of one instance: AWS's names lead to the platform, other names to addresses that stand for them.

A name that may be looked up gets an address of 198.18.0.0/15 (RFC 2544, never on the internet) which means that name to this
instance alone; a connection to it is redirected to the relay, which resolves the name outside.  So a function learns no
address of the host's networks, and the policy can speak of names.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from tule.compute.network import dns_packets
from tule.compute.network.dns_packets import MalformedPacket, Question

PLATFORM_SUFFIXES = (".amazonaws.com", ".on.aws", ".amazonaws.com.cn", ".localhost.localstack.cloud", ".localhost", ".tule.local")
PLATFORM_NAMES = ("localhost", "localhost.localstack.cloud", "amazonaws.com", "sandbox", "sandbox.localdomain")
PLATFORM_ADDRESS = "127.0.0.1"
TTL_S = 60
PACKET_BYTES = 4096
PACKETS_AT_ONCE = 64  # then others have their turn on the loop
MAX_NAMES = 8192  # of one instance; the name that was not asked for the longest gives its address away
_FIRST = int(ipaddress.ip_address("198.18.0.1"))


def is_platform(name: str) -> bool:
    return name in PLATFORM_NAMES or name.endswith(PLATFORM_SUFFIXES)


class Names:
    """`resolves(name)` says whether a name may be looked up."""

    def __init__(self, resolves: Callable[[str], bool], most: int = MAX_NAMES) -> None:
        self._resolves = resolves
        self._most = most
        self._addresses: dict[str, str] = {}  # the last asked for comes last
        self._names: dict[str, str] = {}

    def address(self, name: str) -> str:
        """The address that `name` has inside, or an empty text when it has none."""
        if is_platform(name):
            return PLATFORM_ADDRESS
        if not name or not self._resolves(name):
            return ""
        given = self._addresses.pop(name, "") or self._free_address()
        self._addresses[name], self._names[given] = given, name
        return given

    def _free_address(self) -> str:
        if len(self._addresses) < self._most:
            return str(ipaddress.ip_address(_FIRST + len(self._addresses)))
        return self._addresses.pop(next(iter(self._addresses)))

    def name(self, address: str) -> str:
        """The name that a synthetic address stands for, or an empty text."""
        return self._names.get(address, "")

    def serve(self, listener: socket.socket) -> None:
        """The listener is readable: answer what waits there.  What is no query gets no answer."""
        for _ in range(PACKETS_AT_ONCE):
            try:
                packet, client = listener.recvfrom(PACKET_BYTES)
            except OSError:
                return
            try:
                listener.sendto(self._answer(dns_packets.parse(packet)), client)
            except (MalformedPacket, OSError):
                continue

    def _answer(self, question: Question) -> bytes:
        if not question.standard:
            return dns_packets.answer(question, dns_packets.NOT_IMPLEMENTED)
        if is_platform(question.name) or self._resolves(question.name):
            address = self.address(question.name) if question.kind == dns_packets.A else ""
            return dns_packets.answer(question, dns_packets.NO_ERROR, address, TTL_S)
        return dns_packets.answer(question, dns_packets.NAME_ERROR)
