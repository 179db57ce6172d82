"""Where a request goes: a site by its host (a function's URL), our own small API, a page that a service serves by token,
a browser's preflight, or the AWS pipeline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING

from tule.core.errors import ServiceError
from tule.server import hosts
from tule.server.console import PREFIX, Console, to_console, wants_console
from tule.server.pipeline import Pipeline
from tule.wire.http import Request, Response, json_response

if TYPE_CHECKING:
    from tule.platform.node import Node
    from tule.platform.service import Room, Site
    from tule.server.own_api import OwnApi

Page = Callable[["Node", Request], Awaitable[Response]]


class FrontDoor:
    """`handle` serves clients of the node; `handle_inside` serves sandboxed functions, who never reach the node's own API."""

    def __init__(self, node: Node, rooms: Collection[Room], pipeline: Pipeline, own_api: OwnApi) -> None:
        self._node = node
        self._pipeline = pipeline
        self._own_api = own_api
        self._console = Console()
        self._sites = {kind: room.name for room in rooms for kind in room.sites}
        self._kinds = frozenset(self._sites)
        self._pages = {prefix: room.name for room in rooms for prefix in room.pages}
        self._preflights = [room.name for room in rooms if room.preflights]
        self._elsewhere = tuple(prefix for prefix in self._pages if not prefix.startswith("/_tule/"))

    async def handle(self, request: Request) -> Response:
        site = self._site(request)
        if site is not None:
            return await self._serve_site(request, site)
        if request.path.startswith(PREFIX):
            return self._console.answer(request)
        if request.path.startswith(("/_tule", "/_localstack")):
            return await self._own(request)
        if request.path.startswith(self._elsewhere):
            return await self._own(request)
        if wants_console(request):
            return to_console()
        if request.method == "OPTIONS":
            return await self._preflight(request)
        return await self._pipeline.answer(request)

    async def handle_inside(self, request: Request) -> Response:
        site = self._site(request)
        if site is not None:
            return await self._serve_site(request, site)
        if request.path.startswith(("/_tule/", *self._elsewhere)):
            page = self._page(request)
            return await page(self._node, request) if page is not None else json_response(404, {"message": "Not Found"})
        return await self._pipeline.answer(request)

    async def _serve_site(self, request: Request, site: Site) -> Response:
        return await self._node.services[self._sites[site.kind]].sites[site.kind](self._node, request, site)

    def _site(self, request: Request) -> Site | None:
        return hosts.site(request.host, self._kinds) if self._kinds else None

    async def _own(self, request: Request) -> Response:
        try:
            page = self._page(request)
            return await page(self._node, request) if page is not None else await self._own_api.answer(request)
        except ServiceError as error:
            return json_response(error.status, {"code": error.code, "message": error.message})

    def _page(self, request: Request) -> Page | None:
        for prefix, name in self._pages.items():
            if request.path.startswith(prefix):
                return self._node.services[name].pages[prefix]
        return None

    async def _preflight(self, request: Request) -> Response:
        for name in self._preflights:
            preflight = self._node.services[name].preflight
            answer = await preflight(self._node, request) if preflight is not None else None
            if answer is not None:
                return answer
        return json_response(403, {"message": "CORSResponse: This CORS request is not allowed."})
