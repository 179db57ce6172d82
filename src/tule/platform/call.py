"""One API call, as operations see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tule.access.principal import Principal

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.wire.http import Request, Response


def _never() -> bool:
    return False


@dataclass(slots=True)
class Call:
    """Everything an operation may know of its call besides its parameters.

    `id` is the request id; `now_ms` the node's clock when the call came; `endpoint` the scheme and authority that the
    client used (`http://127.0.0.1:4566`), for URLs in answers.  `headers` are the HTTP request's (empty for calls
    between services).  `is_abandoned` tells whether who called has gone away: what waits for long, to give something away
    that nobody else then gets, asks before it does.  `is_repeated`: should what this call does be forgotten in a power cut, its
    caller does it again, so that it need not wait for the disk.  `response_headers` are added to the HTTP answer; `status`, when
    set, replaces the model's.
    `measured` is what an operation did, for its service's `counted`.
    `answered`, where a service set it, is told the HTTP answer before it is sent, and the seconds that it took.
    """

    node: Node
    id: str
    now_ms: int
    principal: Principal
    account: str
    region: str
    service: str
    operation: str
    endpoint: str = "http://127.0.0.1:4566"
    source_ip: str = "127.0.0.1"
    user_agent: str = ""
    trace: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    response_headers: dict[str, str] = field(default_factory=dict[str, str])
    status: int | None = None
    is_abandoned: Callable[[], bool] = _never
    is_repeated: bool = False
    measured: Any = None
    answered: Callable[[Request, Response, float], None] | None = None

    async def invoke(
        self, service: str, operation: str, params: Mapping[str, Any], *, principal: Principal | None = None, region: str | None = None
    ) -> dict[str, Any]:
        """Call another service through the dispatcher, as this caller or as `principal`.  Raises ServiceError."""
        return await self.node.dispatcher.invoke(
            service,
            operation,
            params,
            principal=principal or self.principal,
            region=region or self.region,
            trace=self.trace,
            endpoint=self.endpoint,
            source_ip=self.source_ip,
        )
