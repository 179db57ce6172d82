"""Calls that Firehose makes as a delivery stream's roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tule.platform.node import Node
from tule.services.firehose.state.streams import Stream, arn_of

SERVICE = "firehose.amazonaws.com"
_SESSION = "AWSFirehose"


async def call(node: Node, stream: Stream, role: str, service: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Raises ServiceError: the call's, or that the role cannot be assumed."""
    session = await node.roles.session(
        role,
        service=SERVICE,
        account=stream["account"],
        region=stream["region"],
        session_name=_SESSION,
        source_arn=arn_of(stream),
    )
    return await node.dispatcher.invoke(service, operation, params, principal=session.principal, region=stream["region"])
