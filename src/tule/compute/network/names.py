"""The resolver of one instance: AWS's names lead to the platform, other names to addresses that stand for them.

A name that may be looked up gets an address of 198.18.0.0/15 (RFC 2544, never on the internet) which means that name to this
instance alone; a connection to it is redirected to the relay, which resolves the name outside.  So a function learns no
address of the host's networks, and the policy can speak of names.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

PLATFORM_SUFFIXES = (".amazonaws.com", ".amazonaws.com.cn", ".localhost.localstack.cloud", ".localhost", ".tule.local")
PLATFORM_NAMES = ("localhost", "localhost.localstack.cloud", "amazonaws.com")
PLATFORM_ADDRESS = "127.0.0.1"
TTL_S = 60
PACKET_BYTES = 4096
_FIRST = int(ipaddress.ip_address("198.18.0.1"))
_MAX_NAMES = 65_536


def is_platform(name: str) -> bool:
    return name in PLATFORM_NAMES or name.endswith(PLATFORM_SUFFIXES)


class Names:
    """`resolves(name)` says whether a name may be looked up."""

    def __init__(self, resolves: Callable[[str], bool]) -> None:
        self._resolves = resolves
        self._addresses: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def address(self, name: str) -> str:
        """The address that `name` has inside, or an empty text when it has none."""
        if is_platform(name):
            return PLATFORM_ADDRESS
        if name not in self._addresses:
            if len(self._names) >= _MAX_NAMES or not self._resolves(name):
                return ""
            given = str(ipaddress.ip_address(_FIRST + len(self._names)))
            self._addresses[name], self._names[given] = given, name
        return self._addresses[name]

    def name(self, address: str) -> str:
        """The name that a synthetic address stands for, or an empty text."""
        return self._names.get(address, "")

    def serve(self, listener: socket.socket) -> None:
        """The listener is readable: answer what waits there."""
        while True:
            try:
                packet, client = listener.recvfrom(PACKET_BYTES)
            except (BlockingIOError, ConnectionError):
                return
            answer = self._answer(packet)
            if answer:
                try:
                    listener.sendto(answer, client)
                except OSError:
                    return

    def _answer(self, packet: bytes) -> bytes:
        import dns.exception
        import dns.message
        import dns.rcode
        import dns.rdatatype
        import dns.rrset

        try:
            query = dns.message.from_wire(packet)
        except dns.exception.DNSException:
            return b""
        answer = dns.message.make_response(query, recursion_available=True)
        for question in query.question:
            address = self.address(question.name.to_text(omit_final_dot=True).lower())
            if not address:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            elif question.rdtype == dns.rdatatype.A:
                answer.answer.append(dns.rrset.from_text(question.name, TTL_S, "IN", "A", address))
        return answer.to_wire()
