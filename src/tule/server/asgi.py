"""The same handler under any ASGI server, for those who bring their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from tule.server.http1 import ClientDisconnected, Handler
from tule.wire.http import Body, Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApp:
    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only http is served, not {scope['type']}")
        response = await self._handler(_request(scope, receive))
        await _send(scope["method"], response, send)


def _request(scope: Scope, receive: Receive) -> Request:
    raw = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    headers: dict[str, str] = {}
    for name, value in raw:
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    length = headers.get("content-length")
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=scope.get("raw_path", scope["path"].encode()).decode("latin-1"),
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        stream=Body(_pieces(receive), int(length) if length is not None and length.isdigit() else None),
        scheme=scope.get("scheme", "http"),
        source_ip=client[0] if client else "127.0.0.1",
        raw_headers=raw,
    )


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected("the client closed the connection within its request")
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _send(method: str, response: Response, send: Send) -> None:
    body = response.body
    if isinstance(body, bytes) and response.status != 204:
        response.headers.setdefault("content-length", str(len(body)))
    headers = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers.items()]
    headers += [(b"set-cookie", cookie.encode("latin-1", "replace")) for cookie in response.cookies]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if isinstance(body, bytes):
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
        return
    async for piece in body:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
