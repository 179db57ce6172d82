"""Amazon EventBridge: buses, rules and their targets, archives and replays, API destinations, partner event sources.

AWS: https://docs.aws.amazon.com/eventbridge/latest/APIReference/
Known to differ: a delivery to a service that is not built yet dies at once, visibly (dead letter); global endpoints are kept, and all
regions are here, so they never fail over; patterns and targets of rules are not encrypted under a bus's key, as its events are,
and what dead letters carry of those is no message of AWS's Encryption SDK; a bus's logging is kept and shown, without effect;
the secrets of connections are kept with them; how fast a destination is called is counted on each node.
"""

from __future__ import annotations

from tule.platform.service import Room, Service
from tule.services.events.state import SCHEMA


def _load() -> Service:
    from tule.services.events.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("events", _load, schema=SCHEMA)
