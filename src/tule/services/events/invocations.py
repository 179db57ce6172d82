"""Calling API destinations: the connection's secrets and parameters added, no faster than the destination's rate.

AWS: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import orjson

from tule.access.need import Need
from tule.access.principal import Principal
from tule.backbone.delivery import Dead, Delivery, Done, Outcome, Retry
from tule.core import arn as arns
from tule.core.errors import ServiceError
from tule.platform import targets
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.outgoing import Answer, OutgoingFailed
from tule.services.events import api_destinations, connections, errors
from tule.services.events.http_parameters import pairs, with_path, with_query
from tule.services.events.memory import memory
from tule.services.events.oauth import NoToken
from tule.services.events.state import Record
from tule.store.store import Tx

TIMEOUT_S = 5.0
_HEADERS = {
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
    "Content-Type": "application/json; charset=utf-8",
    "Range": "bytes=0-1048575",
    "Accept-Encoding": "gzip,deflate",
}
_REFUSED_TOKEN = (401, 407)
_MAY_PASS = (401, 407, 409, 429)
_BODY_METHODS = ("POST", "PUT", "PATCH", "DELETE")


async def deliver(node: Node, delivery: Delivery) -> Outcome:
    """A rule's call of a destination."""
    found = await _found(node, delivery.target)
    if found is None:
        return Dead("The API destination or its connection does not exist.", code="ResourceNotFoundException")
    wait_ms = memory(node).rates.wait_ms(delivery.target, found[0]["rate"], delivery.now_ms)
    if wait_ms:
        return Retry("The destination's rate is reached.", wait_ms, counts=False, code="ThrottlingException")
    try:
        principal = await targets.principal_of(node, delivery)
        await invoke(node, delivery.target, delivery.payload["text"], principal=principal, settings=delivery.payload["settings"])
    except ServiceError as error:
        if not targets.may_pass(error):
            return Dead(error.message, code=error.code)
        return Retry(error.message, _retry_after_ms(error), code=error.code)
    return Done()


def _retry_after_ms(error: ServiceError) -> int | None:
    text = error.headers.get("retry-after", "")
    return int(text) * 1000 if text.isascii() and text.isdigit() else None


async def invoke(node: Node, target: str, text: str, *, principal: Principal, settings: Mapping[str, Any]) -> Answer:
    """Call the destination as `principal`.  `settings` are HttpParameters.  Raises ServiceError."""
    found = await _found(node, target)
    if found is None:
        raise errors.not_found("The API destination or its connection does not exist.")
    await _authorize(node, target, principal)
    destination, connection = found
    if connection["state"] != connections.AUTHORIZED:
        raise ServiceError("ConnectionFailure", "The connection is not authorized.", 503)
    answer = await _request(node, destination, connection, text, settings, fresh=False)
    if answer.status in _REFUSED_TOKEN and connection["type"] == connections.OAUTH:
        answer = await _request(node, destination, connection, text, settings, fresh=True)
    if answer.status // 100 not in (1, 2):
        headers = {name: value for name, value in answer.headers.items() if name == "retry-after"}
        status = 429 if answer.status in _MAY_PASS else max(400, answer.status)
        raise ServiceError(
            "SDK_CLIENT_ERROR",
            f"Unable to invoke ApiDestination endpoint: API destination returned HTTP status {answer.status}"
            f" with payload: {answer.body[:1024].decode(errors='replace')}",
            status,
            headers=headers,
        )
    return answer


async def sink(node: Node, target: str, text: str, principal: Principal, settings: Mapping[str, Any]) -> dict[str, Any]:
    """A call by others than rules: a pipe's.  Raises ServiceError."""
    answer = await invoke(node, target, text, principal=principal, settings=settings)
    return {"StatusCode": answer.status, "Headers": dict(answer.headers), "Body": answer.body}


async def _found(node: Node, target: str) -> tuple[Record, Record] | None:
    """The destination and its connection."""

    def read(tx: Tx) -> tuple[Record, Record] | None:
        destination = api_destinations.by_arn(tx, target)
        connection = None if destination is None else connections.by_arn(tx, destination["connection"])
        return None if destination is None or connection is None else (destination, connection[1])

    return await node.store.read(read)


async def _authorize(node: Node, target: str, principal: Principal) -> None:
    """Raises AccessDeniedException."""
    to = arns.parse(target)
    call = Call(
        node=node,
        id=node.ids.uuid(),
        now_ms=node.clock.now_ms(),
        principal=principal,
        account=to.account,
        region=to.region,
        service="events",
        operation="InvokeApiDestination",
    )
    await node.authorizer.authorize(call, [Need("events:InvokeApiDestination", target, owner=to.account)])


async def _request(node: Node, destination: Record, connection: Record, text: str, settings: Mapping[str, Any], *, fresh: bool) -> Answer:
    """Raises ServiceError where there is no answer."""
    auth: Mapping[str, Any] = connection["auth"]
    extra: Mapping[str, Any] = auth.get("InvocationHttpParameters", {})
    method: str = destination["method"]
    query = {**settings.get("QueryStringParameters", {}), **pairs(extra.get("QueryStringParameters"))}
    headers = {**_HEADERS, **settings.get("HeaderParameters", {}), **pairs(extra.get("HeaderParameters"))}
    url = with_query(with_path(destination["endpoint"], settings.get("PathParameterValues", ())), query)
    body = _body(text, pairs(extra.get("BodyParameters"))) if method in _BODY_METHODS else b""
    try:
        headers |= await _authorization(node, connection, fresh=fresh)
        return await node.outgoing.request(method, url, headers, body, timeout_s=TIMEOUT_S)
    except NoToken as error:
        raise ServiceError("ConnectionFailure", str(error), 503 if error.may_pass else 400) from error
    except OutgoingFailed as error:
        raise ServiceError("SDK_CLIENT_ERROR", f"Unable to invoke ApiDestination endpoint: {error}", 503) from error


async def _authorization(node: Node, connection: Record, *, fresh: bool) -> dict[str, str]:
    auth = connection["auth"]
    match connection["type"]:
        case "BASIC":
            basic = auth["BasicAuthParameters"]
            return {"Authorization": "Basic " + base64.b64encode(f"{basic['Username']}:{basic['Password']}".encode()).decode()}
        case "API_KEY":
            key = auth["ApiKeyAuthParameters"]
            return {key["ApiKeyName"]: key["ApiKeyValue"]}
        case _:
            return {"Authorization": await memory(node).tokens.header(connection["secret"], auth["OAuthParameters"], fresh=fresh)}


def _body(text: str, members: Mapping[str, str]) -> bytes:
    """The connection's body parameters become members of a JSON object."""
    if not members:
        return text.encode()
    try:
        found = orjson.loads(text)
    except ValueError:
        return text.encode()
    return orjson.dumps({**found, **members}) if isinstance(found, dict) else text.encode()


async def authorize_connection(node: Node, delivery: Delivery) -> Outcome:
    """Fetch the first token of an OAuth connection, and say in its state how that went."""

    def read(tx: Tx) -> tuple[str, Record] | None:
        return connections.by_arn(tx, delivery.target)

    found = await node.store.read(read)
    if found is None or found[1]["secret"] != delivery.payload["secret"] or found[1]["state"] != connections.AUTHORIZING:
        return Done()
    name, connection = found
    became, reason = connections.AUTHORIZED, ""
    try:
        await memory(node).tokens.header(connection["secret"], connection["auth"]["OAuthParameters"], fresh=True)
    except NoToken as error:
        if error.may_pass and delivery.attempt < delivery.max_attempts:
            return Retry(str(error))
        became, reason = connections.DEAUTHORIZED, str(error)
    await node.store.write(lambda tx: connections.became(tx, delivery.target, name, connection["secret"], became, reason))
    return Done()
