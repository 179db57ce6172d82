"""Steps 4 to 6 of a request's way: validate, authorize, operate.  The front door and other services enter here alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from tule.access.principal import Principal

if TYPE_CHECKING:
    from tule.platform.call import Call


class Dispatcher(Protocol):
    async def invoke(
        self,
        service: str,
        operation: str,
        params: Mapping[str, Any],
        *,
        principal: Principal,
        region: str,
        account: str | None = None,
        trace: str | None = None,
        endpoint: str | None = None,
        source_ip: str = "127.0.0.1",
        is_repeated: bool = False,
    ) -> dict[str, Any]:
        """Call `operation` as `principal`.  `params` and result are plain dicts in the model's names; raises ServiceError.

        `is_repeated` is Call's.
        """
        ...

    async def run(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """Authorize and operate on parameters that are already validated; what the front door calls."""
        ...
