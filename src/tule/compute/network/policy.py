"""What functions may connect to, as the node's setting `egress` says.

A policy is a comma-separated list: `open` (the public internet), host names (`api.example.com`, `*.example.com`), addresses or
networks (`10.1.0.0/16`, `fd00::/8`), each with an optional `:port` (`[fd00::1]:443`); or `none`.  Loopback, link-local (cloud
metadata) and private networks stay closed, whatever names lead there, unless an entry is the address or network itself.
`host.tule.internal` is the host's own loopback, for entries such as `127.0.0.1:5432`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from tule.core.config import ConfigError

HOST_NAME = "host.tule.internal"
OPEN, NONE = "open", "none"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_WITH_PORT = re.compile(r"(\[[^\]]+\]|[^:\[\]]+):(\d+)")


@dataclass(slots=True, frozen=True)
class Entry:
    """One word of the list: a host name (or `*.suffix`), or a network; `port` 0 is any."""

    name: str = ""
    network: Network | None = None
    port: int = 0

    def names(self, host: str) -> bool:
        if self.name.startswith("*."):
            return host.endswith(self.name[1:])
        return bool(self.name) and host == self.name

    def covers(self, address: Address, port: int) -> bool:
        return self.port in (0, port) and self.network is not None and address in self.network


class EgressPolicy:
    def __init__(self, text: str) -> None:
        """Raises ConfigError for what is neither a name nor an address."""
        words = [word.strip().lower() for word in text.split(",") if word.strip()]
        if NONE in words and len(words) > 1:
            raise ConfigError(f"TULE_EGRESS: {NONE!r} stands alone, not in {text!r}")
        self._open = OPEN in words
        self._entries = [_entry(word) for word in words if word not in (OPEN, NONE)]

    def resolves(self, host: str) -> bool:
        """Whether a name may be looked up at all."""
        if host == HOST_NAME:
            return any(entry.network is not None and entry.network.is_loopback for entry in self._entries)
        return self._open or any(entry.names(host) for entry in self._entries)

    def named(self, address: Address, port: int) -> bool:
        """Whether an entry is this address itself, or a network that it is in: then it is open wherever it leads."""
        plain = _plain(address)
        return any(entry.covers(plain, port) for entry in self._entries)

    def allows(self, host: str, address: Address, port: int) -> bool:
        """Whether a connection to `address` (which `host` was resolved to, or empty) and `port` may be made."""
        plain = _plain(address)
        if self.named(plain, port):
            return True
        if not plain.is_global or plain.is_multicast:
            return False
        return self._open or any(entry.port in (0, port) and entry.names(host) for entry in self._entries)


def _plain(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes, mapped or by way of 6to4 or NAT64, is what it is underneath."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.ip_address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _entry(word: str) -> Entry:
    match = _WITH_PORT.fullmatch(word)
    place, port = (match[1].strip("[]"), int(match[2])) if match else (word.strip("[]"), 0)
    if match and not 0 < port < 65_536:
        raise ConfigError(f"TULE_EGRESS: {word!r} has no such port")
    try:
        return Entry(network=ipaddress.ip_network(place, strict=False), port=port)
    except ValueError as error:
        if not _NAME.fullmatch(place):
            raise ConfigError(f"TULE_EGRESS: {word!r} is neither a host name nor an address, with a port or without") from error
        return Entry(name=place, port=port)
