"""The contract of an instance's network: which listeners it has inside, and who serves them.

An instance sees only a loopback of its own.  Compute opens the listeners *inside* the instance's network namespace and passes
them out; the network serves them from the node.  So a connection's listener says who is calling, and no address is guessed.
Below sandbox level 2 there is no namespace: only listeners with `needs_namespace=False` are opened, on ephemeral ports of the
host's loopback, one set for each instance; `addresses` says where.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from tule.compute.compute import Credentials, FunctionSpec

RUNTIME_API = "runtime-api"  # opened for every instance, passed to the Runtime and not to the Network


@dataclass(slots=True, frozen=True)
class ListenerSpec:
    """A socket that is bound (and listening, if TCP) inside the instance before any of its code runs."""

    name: str
    address: str  # 127.0.0.1, 0.0.0.0
    port: int
    kind: Literal["tcp", "udp"] = "tcp"
    needs_namespace: bool = True
    options: tuple[tuple[int, int, int], ...] = ()  # setsockopt(level, name, value) before bind
    redirect: bool = False  # connections to addresses other than loopback end here, where the kernel can do it


@dataclass(slots=True, frozen=True)
class Tenant:
    """Who is behind a set of listeners: the instance, its function, and the role session it calls with."""

    instance_id: str
    function: FunctionSpec
    credentials: Callable[[], Credentials] | None = None


Addresses = Mapping[str, tuple[str, int]]  # listener name -> where the instance's code finds it


class Network(Protocol):
    """What is served on the passed listeners: the AWS endpoint, names, the way out."""

    @property
    def listeners(self) -> Sequence[ListenerSpec]:
        """The same for every instance: they are opened when an instance is parked, before its function is known."""
        ...

    def attach(self, tenant: Tenant, sockets: Mapping[str, socket.socket]) -> Callable[[], None]:
        """Serve `sockets` (non-blocking; now owned by the network) for this tenant; the returned function ends it and closes them.

        Called on the loop's thread when a (parked) instance gets its function, before its code is loaded.
        """
        ...

    def environment(self, function: FunctionSpec, addresses: Addresses) -> Mapping[str, str]:
        """AWS_ENDPOINT_URL and the variables of trust stores; the user's own variables win over these."""
        ...

    def files(self) -> Mapping[str, bytes]:
        """Files of the instances' root by absolute path, such as /etc/resolv.conf, /etc/hosts and the CA bundles; asked once."""
        ...


@dataclass(slots=True)
class NoNetwork:
    """An instance that reaches nothing."""

    listeners: Sequence[ListenerSpec] = field(default_factory=tuple)

    def attach(self, tenant: Tenant, sockets: Mapping[str, socket.socket]) -> Callable[[], None]:
        del tenant
        held = list(sockets.values())

        def close() -> None:
            for each in held:
                each.close()

        return close

    def environment(self, function: FunctionSpec, addresses: Addresses) -> Mapping[str, str]:
        del function, addresses
        return {}

    def files(self) -> Mapping[str, bytes]:
        return {}
