"""Answers requests to function URLs, by host and by path: who may, which function, how it answers.

AWS: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html: whoever invokes a function by its URL needs
`lambda:InvokeFunctionUrl` and, since October 2025, `lambda:InvokeFunction` under the condition that it comes by the URL.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import AsyncIterator

from tule.access.principal import ANONYMOUS, Principal
from tule.compute.compute import HTTP_INTEGRATION
from tule.core import trace as traces
from tule.core.errors import ServiceError
from tule.platform.call import Call
from tule.platform.node import Node
from tule.platform.service import Need, Site
from tule.services.lambda_.durable import invoking
from tule.services.lambda_.names import LATEST, FunctionRef
from tule.services.lambda_.paths import URLS
from tule.services.lambda_.runnables import Runnable
from tule.services.lambda_.running import RunningStream, functions
from tule.services.lambda_.urls import answers, cors
from tule.services.lambda_.urls.configs import Config
from tule.services.lambda_.urls.events import Visit, event
from tule.store.errors import StoreError
from tule.wire.http import BodyTooLarge, Request, Response

log = logging.getLogger("tule.lambda")

MAX_BODY_BYTES = 6_291_456


async def by_host(node: Node, request: Request, site: Site) -> Response:
    return await _answer(node, request, site.id, request.path)


async def by_path(node: Node, request: Request) -> Response:
    id, slash, rest = request.path.removeprefix(URLS).partition("/")
    return await _answer(node, request, id, slash + rest or "/")


async def _answer(node: Node, request: Request, id: str, path: str) -> Response:
    try:
        return await _answered(node, request, id, path)
    except StoreError as error:
        log.error("%s %s: %s", request.method, request.path, error)
        return answers.refused(503, "Service Unavailable", "ServiceUnavailableException")


async def _answered(node: Node, request: Request, id: str, path: str) -> Response:
    found = await functions(node).urls.get(id)
    if found is None:
        return answers.refused(404, None, "ResourceNotFoundException")
    ref, config = found
    rules = config.get("Cors")
    if rules and cors.is_preflight(request):
        return Response(200, cors.preflight(rules, request.headers))
    request_id = node.ids.uuid()
    trace = traces.parse(request.headers.get("x-amzn-trace-id")) or traces.begin(node.ids, node.clock.now_ms())
    try:
        response = await _invoke(node, request, path, ref, config, request_id, str(trace))
    except BodyTooLarge:
        response = answers.refused(413, "Request Too Long", "RequestEntityTooLargeException")
    except ServiceError as error:
        response = answers.refused(error.status, error.message, error.code)
    response.headers |= {"x-amzn-requestid": request_id, "x-amzn-trace-id": str(trace)}
    if rules:
        response.headers |= cors.answer(rules, request.headers)
    return response


async def _invoke(node: Node, request: Request, path: str, ref: FunctionRef, config: Config, request_id: str, trace: str) -> Response:
    here = functions(node)
    body = request.body = await request.stream.read(MAX_BODY_BYTES)
    caller = await _caller(node, request) if config["AuthType"] == "AWS_IAM" else None
    function = await here.runnables.get(ref)
    if not await _may(node, request, function, config, caller, request_id):
        return answers.forbidden()
    domain = request.host.rpartition(":")[0] if ":" in request.host else request.host
    visit = Visit(request, body, path, config["id"], domain, request_id, node.clock.now_ms(), trace, caller)
    if function.durable is not None:
        return await _durable(node, function, event(visit), trace)
    if config["InvokeMode"] == "RESPONSE_STREAM":
        return await _streamed(await here.stream(function, event(visit), request_id, trace=trace))
    done = await here.run(function, event(visit), request_id, trace=trace)
    if done.error is not None:
        return answers.bad_gateway()
    try:
        return answers.whole(done.payload)
    except answers.Malformed:
        return answers.bad_gateway()


async def _durable(node: Node, function: Runnable, payload: bytes, trace: str) -> Response:
    qualified = dataclasses.replace(function, ref=function.ref._replace(qualifier=function.ref.qualifier or LATEST))
    execution = await invoking.start(node, qualified, payload, None, trace, waits=True)
    answered, error = invoking.answer(await invoking.end(node, execution.id))
    try:
        return answers.bad_gateway() if error else answers.whole(answered)
    except answers.Malformed:
        return answers.bad_gateway()


async def _caller(node: Node, request: Request) -> Principal:
    """Raises ServiceError for a signature that is not good."""
    return (await node.authenticator.authenticate(request, "lambda")).principal


async def _may(node: Node, request: Request, function: Runnable, config: Config, caller: Principal | None, request_id: str) -> bool:
    ref = function.ref
    principal = caller or ANONYMOUS
    call = Call(
        node=node,
        id=request_id,
        now_ms=node.clock.now_ms(),
        principal=principal,
        account=ref.account,
        region=ref.region,
        service="lambda",
        operation="InvokeFunctionUrl",
        endpoint=f"{request.scheme}://{request.host}",
        source_ip=request.source_ip,
        user_agent=request.headers.get("user-agent", ""),
        headers=request.headers,
    )
    keys = {"lambda:FunctionUrlAuthType": config["AuthType"], "lambda:InvokedViaFunctionUrl": True, **function.tags}
    actions = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")
    try:
        await node.authorizer.authorize(call, [Need(action, ref.qualified_arn, keys, function.policy, ref.account) for action in actions])
    except ServiceError:
        return False
    return True


async def _streamed(stream: RunningStream) -> Response:
    """The answer as it comes.  A function that failed before it began to answer gives 502; later, the answer breaks off."""
    if not stream.streamed:
        return await _whole(stream)
    if stream.content_type != HTTP_INTEGRATION:
        return Response(200, {"content-type": stream.content_type}, stream.chunks())
    chunks = stream.chunks()
    try:
        response = await answers.streamed(chunks)
    except answers.Malformed:
        stream.discard()
        return answers.bad_gateway()
    response.body = _kept(response.body, stream)
    return response


async def _whole(stream: RunningStream) -> Response:
    """Of a function that does not stream: what it returned, as it is."""
    payload = b"".join([chunk async for chunk in stream.chunks()])
    done = await stream.end()
    return answers.bad_gateway() if done.error is not None else Response(200, {"content-type": answers.JSON}, payload)


async def _kept(body: bytes | AsyncIterator[bytes], stream: RunningStream) -> AsyncIterator[bytes]:
    """The pieces of `body`; when the client goes away before they end, nobody reads what the function still writes."""
    assert not isinstance(body, bytes)
    try:
        async for piece in body:
            yield piece
    finally:
        stream.discard()
