"""Why a call is allowed or denied: for `tule explain` and the console."""

from __future__ import annotations

from typing import Any

from tule.access.authorize import Authorizer
from tule.core.errors import ServiceError


async def explain(authorizer: Authorizer, asked: dict[str, Any]) -> dict[str, Any]:
    raise ServiceError("NotImplemented", "Explanations are not implemented by Tule yet.", 501)
