"""Amazon EventBridge Schemas: registries of schemas, their versions, and discoverers that infer schemas from a bus's events.

AWS: https://docs.aws.amazon.com/eventbridge/latest/schema-reference/what-is-eventbridge-schemas.html

The registry `aws.events` describes the events that this installation's services emit.  Known to differ: code bindings
are written by generators of our own (`bindings/`): packages and the classes' names are AWS's, what is inside need not be;
a registry's resource policy is kept, and gives other accounts nothing, as no operation names a registry of another account.
"""

from __future__ import annotations

from tule.platform.service import Room, Service


def _load() -> Service:
    from tule.services.schemas.service import SERVICE  # here, so that a node need not load it to start

    return SERVICE


ROOM = Room("schemas", _load)
