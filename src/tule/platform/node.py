"""A running node: the mechanisms, built by `app.py` and handed to whoever works with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tule.access.authenticate import Authenticator
    from tule.access.authorize import Authorizer
    from tule.access.identities import Identities
    from tule.backbone.worker import Jobs
    from tule.blobs.blobs import Blobs
    from tule.compute.compute import Compute
    from tule.core.clock import TurnableClock
    from tule.core.config import Config
    from tule.core.ids import Ids
    from tule.core.paging import Pager
    from tule.platform.dispatcher import Dispatcher
    from tule.platform.outgoing import Outgoing
    from tule.platform.roles import Roles
    from tule.platform.service import Service
    from tule.store.store import Store
    from tule.watch.meter import Meter
    from tule.wire.models import Models


@dataclass(slots=True)
class Node:
    """`store` holds what must never be lost, `telemetry` what may lose its last second (logs, metrics, traces).

    `stopping` is set when the node begins to stop: whoever makes a client wait lets it go.
    `memory` is where a service keeps what it has in memory for its node, under its own name; never the only copy.
    """

    config: Config
    clock: TurnableClock
    ids: Ids
    store: Store
    telemetry: Store
    blobs: Blobs
    pager: Pager
    services: Mapping[str, Service]
    models: Models = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    identities: Identities = field(init=False)
    authenticator: Authenticator = field(init=False)
    authorizer: Authorizer = field(init=False)
    jobs: Jobs = field(init=False)
    roles: Roles = field(init=False)
    outgoing: Outgoing = field(init=False)
    compute: Compute = field(init=False)
    meter: Meter = field(init=False)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    memory: dict[str, Any] = field(default_factory=dict[str, Any])
