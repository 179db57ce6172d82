"""The network of instances: serves the listeners that compute opened inside them.

Attaching is on the cold path of a function, so nothing is started before somebody connects: each listener only has a reader
on the loop until its first client comes.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tule.compute.compute import FunctionSpec
from tule.compute.network.authority import Authority
from tule.compute.network.egress import EgressPolicy, Relay
from tule.compute.network.names import Names
from tule.compute.network_contract import Addresses, ListenerSpec, Tenant

log = logging.getLogger("tule.network")

AWS, HTTPS, HTTP, DNS, EGRESS = "aws", "https", "http", "dns", "egress"
AWS_PORT = 4566
EGRESS_PORT = 15001
LISTENERS = (
    ListenerSpec(AWS, "127.0.0.1", AWS_PORT, needs_namespace=False),
    ListenerSpec(HTTPS, "0.0.0.0", 443),
    ListenerSpec(HTTP, "0.0.0.0", 80),
    ListenerSpec(DNS, "127.0.0.1", 53, kind="udp"),
    ListenerSpec(EGRESS, "127.0.0.1", EGRESS_PORT, redirect=True),
)
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
AUTHORITY = "/etc/tule/authority.pem"
_BUNDLE_VARIABLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")

# Serve the node's AWS endpoint on a listening socket for a tenant, with TLS or without; the server to close.
Serve = Callable[[socket.socket, Tenant, ssl.SSLContext | None], Awaitable[asyncio.AbstractServer]]


class InstanceNetwork:
    """Implements `network_contract.Network`."""

    def __init__(self, serve: Serve, authority_directory: Path, egress: str) -> None:
        self._serve = serve
        self._authority_directory = authority_directory
        self._policy = EgressPolicy(egress)

    @property
    def listeners(self) -> Sequence[ListenerSpec]:
        return LISTENERS

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
        return {
            "/etc/resolv.conf": b"nameserver 127.0.0.1\noptions timeout:2 attempts:2\n",
            "/etc/hosts": b"127.0.0.1 localhost\n",
            "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files dns\n",
            BUNDLE: trusted.rstrip(b"\n") + b"\n" + own,
            AUTHORITY: own,
        }

    @cached_property
    def _authority(self) -> Authority:
        return Authority(self._authority_directory)

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return self._authority.server_context()

    @property
    def policy(self) -> EgressPolicy:
        return self._policy

    async def serve(self, listener: socket.socket, tenant: Tenant, tls: bool) -> asyncio.AbstractServer:
        return await self._serve(listener, tenant, self.tls if tls else None)


class _Attachment:
    """The listeners of one instance while it lives."""

    def __init__(self, network: InstanceNetwork, tenant: Tenant, sockets: Mapping[str, socket.socket]) -> None:
        self._network = network
        self._tenant = tenant
        self._sockets = sockets
        self._loop = asyncio.get_running_loop()
        self._names = Names(network.policy.resolves)
        self._relay = Relay(network.policy, self._names.name)
        self._servers: list[asyncio.AbstractServer] = []
        self._starting: set[asyncio.Task[None]] = set()
        self._closed = False
        for name, listener in sockets.items():
            match name:
                case "dns":
                    self._loop.add_reader(listener, self._names.serve, listener)
                case "egress":
                    self._loop.add_reader(listener, self._relay.accept, listener)
                case _:
                    self._loop.add_reader(listener, self._first_client, name, listener)

    def close(self) -> None:
        self._closed = True
        for listener in self._sockets.values():
            if listener.fileno() >= 0:
                self._loop.remove_reader(listener)
        self._relay.close()
        for task in self._starting:
            task.cancel()
        for server in self._servers:
            server.close()
        for listener in self._sockets.values():
            listener.close()

    def _first_client(self, name: str, listener: socket.socket) -> None:
        self._loop.remove_reader(listener)
        task = self._loop.create_task(self._start(name, listener))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _start(self, name: str, listener: socket.socket) -> None:
        server = await self._network.serve(listener, self._tenant, name == HTTPS)
        if self._closed:
            server.close()
        else:
            self._servers.append(server)
