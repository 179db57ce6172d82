"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from tule.platform.node import Node
from tule.platform.service import Service, operations_in
from tule.services.pipes import access, events
from tule.services.pipes.fleet import fleet
from tule.services.pipes.operations import pipes, tags
from tule.services.pipes.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    return [fleet(node).pollers.run()]


async def _reset(node: Node) -> None:
    fleet(node).pollers.look_again()


SERVICE = Service(
    "pipes",
    operations_in(pipes, tags),
    needs=access.NEEDS,
    deliver=events.deliver,
    start=_start,
    resource_types=RESOURCE_TYPES,
    reset=_reset,
)
