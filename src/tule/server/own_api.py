"""The node's own small API under `/_tule/`: health, clock, reset, explain, backup, mail.  The console and the CLI use AWS's APIs for all else.

In strict mode everything but health asks for `Authorization: Bearer <admin token>`, which stands in `admin.token` in the data
directory; without strict mode it is open to whoever reaches the port (loopback), but never to a web page of another origin.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

import tule
from tule.access.explain import explain
from tule.backbone.clockwork import advance
from tule.core.errors import ServiceError
from tule.platform import mailbox
from tule.store import backup
from tule.wire.http import Request, Response, json_response

if TYPE_CHECKING:
    from tule.platform.node import Node

BODY_LIMIT = 1024 * 1024
Endpoint = Callable[[Request], Awaitable[Response]]


class OwnApi:
    def __init__(self, node: Node, complete: asyncio.Event, admin_token: str, reset: Callable[[], Awaitable[None]]) -> None:
        self._node = node
        self._complete = complete  # set once every service is loaded
        self._admin_token = admin_token
        self._reset = reset
        self._endpoints: dict[tuple[str, str], Endpoint] = {
            ("GET", "/_tule/clock"): self._show_clock,
            ("POST", "/_tule/clock"): self._turn_clock,
            ("POST", "/_tule/reset"): self._reset_all,
            ("POST", "/_tule/explain"): self._explain,
            ("POST", "/_tule/backup"): self._backup,
            ("GET", "/_tule/doctor"): self._doctor,
            ("GET", "/_tule/mail"): self._mail,
        }

    async def answer(self, request: Request) -> Response:
        if request.path in ("/_tule/health", "/_localstack/health", "/_localstack/info"):
            return json_response(200, self.health())
        endpoint = self._endpoints.get((request.method, request.path.rstrip("/")))
        if endpoint is None:
            return json_response(404, {"message": f"There is no {request.method} {request.path} here."})
        self._guard(request)
        return await endpoint(request)

    def health(self) -> dict[str, Any]:
        node = self._node
        sandbox = node.compute.describe().get("sandbox")
        return {
            "services": dict.fromkeys(node.services, "available"),
            "version": tule.__version__,
            "edition": "tule",
            "store": node.store.dialect,
            "strict": node.config.strict,
            "clock": {"mode": node.clock.mode, "now_ms": node.clock.now_ms()},
            "sandbox": {"level": sandbox["level"]} if isinstance(sandbox, dict) else None,
        }

    def _guard(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is not None and origin.partition("://")[2] != request.host:
            raise ServiceError("Forbidden", "Pages of another origin may not use this API.", 403)
        if self._node.config.strict:
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(token.encode(), self._admin_token.encode()):
                raise ServiceError("Forbidden", "In strict mode this needs the token in the data directory's admin.token.", 403)

    async def _show_clock(self, request: Request) -> Response:
        clock = self._node.clock
        return json_response(200, {"mode": clock.mode, "now_ms": clock.now_ms(), "speed": clock.speed})

    async def _turn_clock(self, request: Request) -> Response:
        asked = await _json(request)
        clock = self._node.clock
        match asked.get("do"):
            case "freeze":
                at_ms = asked.get("at_ms")
                clock.freeze(int(at_ms) if at_ms is not None else None)
            case "advance":
                await self._complete.wait()
                await advance(self._node.jobs, clock, _positive(asked, "by_ms"))
            case "speed":
                clock.accelerate(_positive(asked, "speed"))
            case "real":
                clock.follow_wall()
            case other:
                raise ServiceError("BadRequest", f"do must be freeze, advance, speed or real, not {other!r}.", 400)
        return await self._show_clock(request)

    async def _reset_all(self, request: Request) -> Response:
        if self._node.config.strict:
            raise ServiceError("Forbidden", "A node in strict mode is never reset.", 403)
        await self._complete.wait()
        await self._reset()
        return json_response(200, {"reset": True})

    async def _explain(self, request: Request) -> Response:
        asked = await _json(request)
        return json_response(200, await explain(self._node.authorizer, asked))

    async def _backup(self, request: Request) -> Response:
        path = (await _json(request)).get("path")
        if not isinstance(path, str) or not Path(path).is_absolute():
            raise ServiceError("BadRequest", "path must be an absolute path.", 400)
        node = self._node
        await backup.backup(node.store, node.blobs, Path(path), telemetry=node.telemetry)
        return json_response(200, {"path": path, "bytes": Path(path).stat().st_size})

    async def _doctor(self, request: Request) -> Response:
        await self._node.compute.look()
        return json_response(200, dict(self._node.compute.describe()))

    async def _mail(self, request: Request) -> Response:
        asked = {name: values[-1] for name, values in parse_qs(request.query).items()}
        kind, account, to = asked.get("kind", ""), asked.get("account", ""), asked.get("to", "")
        mail = await self._node.store.read(lambda tx: mailbox.latest(tx, kind=kind, account=account, recipient=to))
        return json_response(200, {"mail": mail})


async def _json(request: Request) -> dict[str, Any]:
    try:
        value = orjson.loads(await request.stream.read(BODY_LIMIT) or b"{}")
    except orjson.JSONDecodeError as error:
        raise ServiceError("BadRequest", f"The body is not JSON: {error}", 400) from error
    if not isinstance(value, dict):
        raise ServiceError("BadRequest", "The body must be a JSON object.", 400)
    return value


def _positive(asked: dict[str, Any], name: str) -> Any:
    value = asked.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        raise ServiceError("BadRequest", f"{name} must be a positive number.", 400)
    return int(value) if name.endswith("_ms") else value
