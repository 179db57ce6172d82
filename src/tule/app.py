"""Builds a node: every part made explicitly here and handed to whoever needs it.  No globals, no plug-in magic."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
import ssl
from collections.abc import Callable

from tule.access import usage
from tule.access.actions import Actions
from tule.access.authenticate import Authenticator
from tule.access.authorize import Authorizer
from tule.backbone import jobs as job_table
from tule.backbone import logs as log_table
from tule.backbone.blob_sweeper import blob_sweeper
from tule.backbone.claims import Claim
from tule.backbone.delivery import Dead, Delivery, Outcome
from tule.backbone.together import Together
from tule.backbone.worker import Jobs
from tule.blobs.open import open_blobs
from tule.compute.families import InstalledRuntimes
from tule.compute.network.network import AUTHORITY, InstanceNetwork, Serve
from tule.compute.network_contract import Tenant
from tule.compute.supervisor import Supervisor
from tule.core import arn as arns
from tule.core.clock import TurnableClock
from tule.core.config import Config
from tule.core.ids import Ids
from tule.core.paging import Pager
from tule.platform import mailbox, targets
from tule.platform.background import Background
from tule.platform.node import Node
from tule.platform.outgoing import Outgoing
from tule.platform.roles import Roles
from tule.platform.rooms import Rooms
from tule.server.access_log import AccessLogFile
from tule.server.dispatch import NodeDispatcher
from tule.server.front_door import FrontDoor
from tule.server.http1 import Handler, Limits, Server
from tule.server.own_api import OwnApi
from tule.server.pipeline import Pipeline
from tule.services import all_rooms
from tule.services.iam.identities import IamIdentities
from tule.store import documents
from tule.store.open import open_store
from tule.store.secret import installation_secret
from tule.watch import metric_store
from tule.watch.meter import Meter
from tule.wire.models import Models

# Target ARNs name a service by its ARN's own name, which is not always botocore's.
_SERVICE_OF_ARN = {"states": "stepfunctions", "monitoring": "cloudwatch"}


class App:
    """A running node.  `port` is the one it really listens on (config.port may be 0)."""

    def __init__(self, node: Node, rooms: Rooms, background: Background, server: Server, door: FrontDoor, access_log: AccessLogFile | None) -> None:
        self.node = node
        self.server = server
        self.door = door
        self.port = 0
        self._rooms = rooms
        self._background = background
        self._access_log = access_log

    async def start(self) -> None:
        """Begin to serve.  A service is loaded, and its background work begun, when it is first asked for, and soon in any case."""
        node = self.node
        await node.jobs.start()
        await node.compute.start()
        self._background.add("access", node.authorizer.usage.write(node.store))
        self._background.add("blobs", blob_sweeper(node.blobs).keep(node.store, node.clock, node.jobs))
        self._background.add("metrics", node.meter.run())
        self._background.add("metrics", node.meter.age())
        self._background.open(node)
        listener = await self.server.listen(self.door.handle, host=node.config.host, port=node.config.port, tls=_tls(node.config))
        self.port = listener.sockets[0].getsockname()[1]  # type: ignore[attr-defined]
        node.config = dataclasses.replace(node.config, port=self.port)  # whoever tells others where to find us has the real one
        self._background.add("rooms", self._rooms.load_all())

    async def loaded(self) -> None:
        """Returns when every service is loaded and its background work has begun; the node serves before that."""
        await self._rooms.complete.wait()

    async def stop(self) -> None:
        """Finish what is in flight, then end functions, background work and stores, in that order."""
        node = self.node
        node.stopping.set()
        await self.server.stop(node.config.shutdown_grace_s)
        await node.jobs.stop()
        await node.compute.stop()
        await self._background.end()
        await node.meter.flush()
        if self._access_log is not None:
            self._access_log.close()
        await node.outgoing.close()
        await node.blobs.close()
        await node.telemetry.close()
        await node.store.close()


async def build(config: Config) -> App:
    """Everything but listening.  Raises StoreError and ConfigError with words that tell what to do."""
    config.data_path.mkdir(parents=True, exist_ok=True)
    clock, ids = _clock(config), Ids()
    store = await open_store(config, clock, ids)
    telemetry = await open_store(config, clock, ids, telemetry=True)
    background = Background()
    rooms = Rooms(all_rooms(), background.begin)
    await store.migrate("documents", documents.SCHEMA)
    await store.migrate("jobs", job_table.SCHEMA)
    await store.migrate("access", usage.SCHEMA)
    await store.migrate("logs", log_table.SCHEMA)
    await store.migrate("mailbox", mailbox.SCHEMA)
    await telemetry.migrate("metrics", metric_store.SCHEMA)
    for room in rooms.rooms.values():
        if room.schema:
            await store.migrate(f"service:{room.name}", room.schema)
        if room.telemetry_schema:
            await telemetry.migrate(f"service:{room.name}", room.telemetry_schema)
    secret = await installation_secret(store)
    blobs = await open_blobs(config, store, clock, ids)
    node = Node(config, clock, ids, store, telemetry, blobs, Pager(secret), rooms)
    node.meter = Meter(telemetry, clock)
    identities = IamIdentities(store, clock, secret)
    node.identities = identities
    actions = Actions()
    models = node.models = Models()
    node.authorizer = Authorizer(store, identities, actions, clock)
    node.roles = Roles(node)
    node.outgoing = Outgoing(config)
    together = Together(targets.goes_with, lambda deliveries: targets.deliver_together(node, deliveries))
    node.jobs = Jobs(store, clock, ids, lambda delivery: _deliver(node, delivery), together=together, ended=lambda *how: _tell_sender(node, *how))
    dispatcher = NodeDispatcher(node, models, node.authorizer, actions)
    node.dispatcher = dispatcher
    access_log = AccessLogFile(config.data_path / "access.log") if config.access_log else None
    authenticator = node.authenticator = Authenticator(store, identities, clock, config)
    pipeline = Pipeline(node, models, authenticator, dispatcher, access_log.record if access_log is not None else None)
    own_api = OwnApi(node, rooms.complete, _admin_token(config, ids), lambda: _reset(node, rooms, identities))
    server = Server(Limits(head_bytes=config.max_header_bytes, body_timeout_s=config.request_timeout_s), _http2)
    door = FrontDoor(node, rooms.rooms.values(), pipeline, own_api)
    network = InstanceNetwork(_serve_inside(server, door), config.data_path / "authority", config.egress, config.port)
    runtimes = InstalledRuntimes(config.data_path, extra_certificates=AUTHORITY, strict=config.strict_runtimes)
    node.compute = Supervisor(config, clock, ids, network, runtimes)
    return App(node, rooms, background, server, door, access_log)


def _serve_inside(server: Server, door: FrontDoor) -> Serve:
    """What instances find behind their own listeners: the AWS endpoint, and nothing of the node's own API."""

    async def serve(listener: socket.socket, tenant: Tenant, tls: ssl.SSLContext | None) -> Callable[[], None]:
        del tenant  # its calls are signed with its role's session
        served = await server.listen(door.handle_inside, sock=listener, tls=tls)
        return lambda: server.forget(served)

    return serve


def _clock(config: Config) -> TurnableClock:
    clock = TurnableClock()
    if config.clock == "frozen":
        clock.freeze()
    elif config.clock != "real":
        clock.accelerate(float(config.clock))
    return clock


def _tell_sender(node: Node, claim: Claim, outcome: Outcome, is_dead: bool) -> None:
    sender = node.services.get(claim.source_service.partition(".")[0]) if claim.source_service else None
    if sender is not None and sender.sent is not None:
        sender.sent(node, claim, outcome, is_dead)


async def _deliver(node: Node, delivery: Delivery) -> Outcome:
    """Hand a due job to the service that its target's ARN names; what is only to be sent there, the platform sends."""
    if targets.is_sent(delivery):
        return await targets.deliver(node, delivery)
    name = arns.parse(delivery.target).service
    service = node.services.get(_SERVICE_OF_ARN.get(name, name))
    if service is None or service.deliver is None:
        return Dead(f"deliveries to {name} are not implemented by Tule yet")
    return await service.deliver(node, delivery)


async def _reset(node: Node, rooms: Rooms, identities: IamIdentities) -> None:
    """Back to an empty installation: rows, what services keep in memory, instances."""
    await node.jobs.pause()
    try:
        node.compute.retire("")
        await node.store.wipe()
        await node.telemetry.wipe()
        for service in rooms.loaded():
            if service.reset is not None:
                await service.reset(node)
        identities.forget()
        node.meter.forget()
        node.roles.forget()
        await node.blobs.sweep(0)
    finally:
        node.jobs.resume()


def _admin_token(config: Config, ids: Ids) -> str:
    """The token of `admin.token`, made at the first start; only its owner can read it."""
    path = config.data_path / "admin.token"
    if path.exists():
        return path.read_text().strip()
    token = ids.hex(48)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token


def _http2(server: Server, handler: Handler) -> asyncio.Protocol:
    from tule.server import http2  # with its package, which few clients ask for

    return http2.Connection(server, handler)


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(config.tls_certificate, config.tls_key or None)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
