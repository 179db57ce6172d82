"""The network of instances: serves the listeners that compute opened inside them.

Attaching is on the cold path of a function, so nothing is started before somebody connects: each listener only has a reader
on the loop until its first client comes.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tule.compute.compute import FunctionSpec
from tule.compute.network.egress import Relay
from tule.compute.network.names import Names
from tule.compute.network.policy import Address, EgressPolicy
from tule.compute.network_contract import Addresses, ListenerSpec, Tenant

if TYPE_CHECKING:
    from tule.compute.network.authority import Authority

log = logging.getLogger("tule.network")

AWS, HTTPS, HTTP, DNS, EGRESS = "aws", "https", "http", "dns", "egress"
AWS_PORT = 4566  # where the node leaves its own to chance
EGRESS_PORT = 15001
TAKEN_PORTS = (53, 80, 443, 9001, EGRESS_PORT)
LISTENERS = (
    ListenerSpec(HTTPS, "0.0.0.0", 443),
    ListenerSpec(HTTP, "0.0.0.0", 80),
    ListenerSpec(DNS, "127.0.0.1", 53, kind="udp"),
    ListenerSpec(EGRESS, "127.0.0.1", EGRESS_PORT, redirect=True),
)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_OTHER_BUNDLES = ("/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem")  # where other distributions look
AUTHORITY = "/etc/tule/authority.pem"
# Without `search`, resolvers would try every name a second time with the end of the host's name, which is an address.
RESOLVER = b"nameserver 127.0.0.1\nsearch .\noptions timeout:2 attempts:2\n"
RESOLVING_THREADS = 4  # names that take long to resolve hold up other names of functions, and nothing else of the node
RESOLVE_TIMEOUT_S = 10.0
_BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")

# Serve the node's AWS endpoint on a listening socket for a tenant, with TLS or without; the returned function ends that.
Serve = Callable[[socket.socket, Tenant, ssl.SSLContext | None], Awaitable[Callable[[], None]]]


class InstanceNetwork:
    """Implements `network_contract.Network`."""

    def __init__(self, serve: Serve, authority_directory: Path, egress: str, port: int = AWS_PORT) -> None:
        """`port` is the node's own: it leads to the node inside, too, since some clients call the host of a queue's URL."""
        aws_port = AWS_PORT if port == 0 or port in TAKEN_PORTS else port
        self.listeners: Sequence[ListenerSpec] = (ListenerSpec(AWS, "127.0.0.1", aws_port, needs_namespace=False), *LISTENERS)
        self._serve = serve
        self._authority_directory = authority_directory
        self.policy = EgressPolicy(egress)

    def attach(self, tenant: Tenant, sockets: Mapping[str, socket.socket]) -> Callable[[], None]:
        return _Attachment(self, tenant, sockets).close

    def environment(self, function: FunctionSpec, addresses: Addresses) -> Mapping[str, str]:
        variables: dict[str, str] = {}
        if AWS in addresses:
            host, port = addresses[AWS]
            variables["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
        if HTTPS in addresses:
            variables |= dict.fromkeys(_BUNDLE_VARIABLES, BUNDLE) | {"NODE_EXTRA_CA_CERTS": AUTHORITY}
        return variables

    def files(self) -> Mapping[str, bytes]:
        own = self._authority.certificate_pem
        host_bundle = Path(ssl.get_default_verify_paths().cafile or BUNDLE)
        trusted = host_bundle.read_bytes() if host_bundle.is_file() else b""
        bundle = trusted.rstrip(b"\n") + b"\n" + own
        others = [path for path in _OTHER_BUNDLES if Path(path).exists() and Path(path).resolve() != Path(BUNDLE).resolve()]
        return {
            **dict.fromkeys(others, bundle),
            "/etc/resolv.conf": RESOLVER,
            "/etc/hosts": b"127.0.0.1 localhost sandbox.localdomain sandbox\n",  # the latter are what extensions listen on
            "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
            BUNDLE: bundle,
            AUTHORITY: own,
        }

    @cached_property
    def _authority(self) -> Authority:
        from tule.compute.network.authority import Authority  # costs a tenth of a node's start, and is not needed for it

        return Authority(self._authority_directory)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return self._authority.server_context()

    async def serve(self, listener: socket.socket, tenant: Tenant, tls: bool) -> Callable[[], None]:
        return await self._serve(listener, tenant, self.tls if tls else None)

    async def resolve(self, host: str, port: int) -> Sequence[Address]:
        """The addresses that `host` has outside.  Raises OSError."""
        look_up = self._resolvers.submit(socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            try:
                found = await asyncio.wrap_future(look_up)
            except ValueError as error:  # labels that are no host name's
                raise OSError(f"{host!r} cannot be looked up") from error
        return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]

    @cached_property
    def _resolvers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(RESOLVING_THREADS, "egress-names")


class _Attachment:
    """The listeners of one instance while it lives."""

    def __init__(self, network: InstanceNetwork, tenant: Tenant, sockets: Mapping[str, socket.socket]) -> None:
        self._network = network
        self._tenant = tenant
        self._sockets = dict(sockets)
        self._loop = asyncio.get_running_loop()
        self._names = Names(network.policy.resolves)
        self._relay = Relay(network.policy, self._names.name, network.resolve, tenant.function.name)
        self._ends: list[Callable[[], None]] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        for name, listener in sockets.items():
            if name == DNS:
                self._loop.add_reader(listener, self._names.serve, listener)
            elif name == EGRESS:
                self._relay.serve(listener)
            else:
                self._loop.add_reader(listener, self._first_client, name, listener)

    def close(self) -> None:
        """Listeners, and what was accepted on them by the relay; connections to the AWS endpoint end with the instance's side."""
        if self._closed:
            return
        self._closed = True
        self._relay.close()
        for listener in self._sockets.values():
            self._loop.remove_reader(listener)
            listener.close()
        for end in self._ends:
            end()

    def _first_client(self, name: str, listener: socket.socket) -> None:
        """From now on it is the server that listens."""
        self._loop.remove_reader(listener)
        del self._sockets[name]
        task = self._loop.create_task(self._start(name, listener))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, name: str, listener: socket.socket) -> None:
        try:
            end = await self._network.serve(listener, self._tenant, name == HTTPS)
        except OSError as error:
            listener.close()
            log.warning("the %s listener of %s is not served: %s", name, self._tenant.function.name, error)
            return
        if self._closed:
            end()
        else:
            self._ends.append(end)
