"""What the room serves; loaded when somebody first asks for it."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from tule.platform.node import Node
from tule.platform.service import Service
from tule.services.iam.access import NEEDS
from tule.services.iam.identities import IamIdentities
from tule.services.iam.operations import OPERATIONS
from tule.services.iam.resources import RESOURCE_TYPES


def _start(node: Node) -> Sequence[Awaitable[None]]:
    identities = cast(IamIdentities, node.identities)
    return identities.watch(), identities.write_usage()


async def _reset(node: Node) -> None:
    cast(IamIdentities, node.identities).forget()


# Compared with what AWS was recorded to answer; for docs/coverage.md.
RECORDED = frozenset(
    ["CreateRole", "CreateServiceSpecificCredential", "CreateUser", "GetPolicy", "GetRole", "ListServiceSpecificCredentials", "PutUserPolicy"]
)

SERVICE = Service(
    "iam",
    OPERATIONS,
    needs=NEEDS,
    start=_start,
    reset=_reset,
    resource_types=RESOURCE_TYPES,
    recorded=RECORDED,
)
