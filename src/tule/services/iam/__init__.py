"""AWS Identity and Access Management: who there is in an account and what they may do.

What differs: MFA devices show their seed but no QR picture; SAML assertions cannot be encrypted; organizations, delegation
requests and role templates are not built.  AWS: https://docs.aws.amazon.com/IAM/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from tule.platform.node import Node
from tule.platform.service import Service
from tule.services.iam import state, usage
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
    schema=state.SCHEMA + usage.SCHEMA,
    start=_start,
    reset=_reset,
    resource_types=RESOURCE_TYPES,
    recorded=RECORDED,
)
